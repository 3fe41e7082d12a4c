/** How tools are called, without running them to their end. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function tool(path: string, ...args: readonly string[]): Promise<Ended> {
  const file = fileURLToPath(new URL(`../../../${path}.js`, import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

test('a simulation takes one seed, or a batch', async (t) => {
  for (const flag of ['--from', '--seeds']) {
    const { code, stderr } = await tool('test/sim/simulate', '--seed', '1', flag, '2')
    t.is(code, 64)
    t.true(stderr.startsWith(`--seed and ${flag} exclude each other\n`))
  }
})

for (const path of ['test/sim/simulate', 'test/chaos/chaos', 'test/faults/fault'])
  test(`${path} --help says a word on each of its flags`, async (t) => {
    const { stdout } = await tool(path, '--help')
    const words = [...stdout.matchAll(/--([a-z]+)/g)].map(([, word]) => word)
    for (const word of new Set(words)) t.regex(stdout, new RegExp(`^  .*--${word}\\b.* [a-z]`, 'm'))
  })

test('the row of the matrix that is not here is told, and why', async (t) => {
  const { code, stderr } = await tool('test/faults/fault', '8')
  t.is(code, 64)
  t.regex(stderr, /^no row is called 8$[^]*^ {2}8 is no row: .*recovery-timeout/m)
})

for (const path of ['test/sim/simulate', 'test/chaos/chaos']) {
  test(`${path} --help prints how it is used`, async (t) => {
    const { code, stdout, stderr } = await tool(path, '--help')
    t.regex(stdout, /^usage: npm run /)
    t.like({ code, stderr }, { code: 0, stderr: '' })
  })
  test(`${path} does not begin when its log cannot be written`, async (t) => {
    const { code, stdout, stderr } = await tool(path, '--log', '/nope/x/y')
    t.like({ code, stdout }, { code: 64, stdout: '' })
    t.regex(stderr, /^--log \/nope\/x\/y: ENOENT: no such file or directory.*\nusage: /)
  })
}

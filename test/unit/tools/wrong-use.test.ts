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

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { sleep } from '../../../bus/clock.ts'
import { consoleBlocks, matches } from '../../../tools/console-blocks.ts'
import { tracesOf } from '../../../tools/left-behind.ts'

const FENCE = '```'
const PAGE = `# A page

${FENCE}console
$ echo one; echo two >&2
one
two
$ printf 'took %s ms\\n' \\
  $RANDOM
took … ms
${FENCE}

${FENCE}sh
$ exit 1
${FENCE}

${FENCE}console
$ echo ready; exec sleep 1000 &
ready
$ seq 5
1
…
5
$ true
${FENCE}
`

const TOOL = fileURLToPath(new URL('../../../tools/docs-check.js', import.meta.url))
const LOOK_MS = 50

/** Runs the tool on a page of this text; gives its exit status and what it printed. */
async function runOn(text: string): Promise<{ status: number; printed: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-check-'))
  const page = join(folder, 'page.md')
  await writeFile(page, text)
  const ran = await new Promise<{ status: number; printed: string }>((resolve) => {
    execFile(process.execPath, [TOOL, page], (error, stdout) => {
      resolve({ status: Number(error?.code ?? 0), printed: stdout.replaceAll(page, 'page.md') })
    })
  })
  await rm(folder, { recursive: true })
  return ran
}

test('console blocks are read with their lines, commands and outputs; others are not', (t) => {
  t.like(consoleBlocks(PAGE), [
    {
      line: 3,
      steps: [
        { command: 'echo one; echo two >&2', stays: false, expected: ['one', 'two'] },
        { stays: false, expected: ['took … ms'] },
      ],
    },
    {
      line: 16,
      steps: [
        { command: 'echo ready; exec sleep 1000', stays: true, expected: ['ready'] },
        { command: 'seq 5', stays: false, expected: ['1', '…', '5'] },
        { command: 'true', stays: false, expected: [] },
      ],
    },
  ])
})

test('a block that begins with output is refused', (t) => {
  t.throws(() => consoleBlocks(`${FENCE}console\none\n${FENCE}\n`), {
    message: 'line 1: a block begins with a command',
  })
})

test('an ellipsis stands for a part of a line, and alone for any lines, none too', (t) => {
  t.true(matches(['a … c'], 'a b c\n'))
  t.true(matches(['a', '…', 'd'], 'a\nb\nc\nd\n'))
  t.true(matches(['a', '…'], 'a\n'))
  t.true(matches([], '\n'))
  t.true(matches(['[a] (b)'], '[a] (b)  \n'))
  t.false(matches(['a … c'], 'a b\nb c\n'))
  t.false(matches(['a'], 'a\nb\n'))
  t.false(matches(['…', 'a.b'], 'axb\n'))
})

test('a page whose blocks print what it shows passes, and nothing stays behind', async (t) => {
  t.deepEqual(await runOn(PAGE), { status: 0, printed: 'ok     page.md:3\nok     page.md:16\n' })
})

test('a page that shows something else fails and says what was printed', async (t) => {
  const { status, printed } = await runOn(`${FENCE}console\n$ echo three\nfour\n${FENCE}\n`)
  t.is(status, 1)
  t.is(
    printed,
    'FAILED page.md:1\n  $ echo three\n  was to print:\n    four\n  printed:\n    three\n',
  )
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`what runs at ${signal} is ended, too`, async (t) => {
    t.timeout(60_000)
    const folder = await mkdtemp(join(tmpdir(), 'docs-check-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const [page, begun] = [join(folder, 'page.md'), join(folder, 'begun')]
    const commands = `$ exec sleep 1000 &\n$ touch ${begun}; exec sleep 1000`
    await writeFile(page, `${FENCE}console\n${commands}\n${FENCE}\n`)
    const env = { ...process.env, TMPDIR: folder }
    const child = spawn(process.execPath, [TOOL, page], { env, stdio: 'ignore' })
    while (!existsSync(begun) && child.exitCode === null) await sleep(LOOK_MS)
    child.kill(signal)
    t.deepEqual(await once(child, 'exit'), [code, null])
    while (tracesOf([folder]).processes.length > 0) await sleep(LOOK_MS)
    t.deepEqual(readdirSync(folder).sort(), ['begun', 'page.md'])
  })

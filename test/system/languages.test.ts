/** The examples in other languages on real clusters, and the events script that sees them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { Actor } from '../support/cluster.ts'
import {
  type Ended,
  EVENTS,
  frameworkIn,
  hasLanguage,
  LANGUAGES,
  type Language,
  runProgram,
  startListener,
} from '../support/languages.ts'
import { machinesNeed } from '../support/machines.ts'
import { needs } from '../support/needs.ts'
import { openTwoMachines } from '../support/two-machines.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial

function aFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-languages-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * How many offers come is for the allocator to say, and the leader may tell of the end before the
 * agent has told that the task runs.
 */
function isDone(t: ExecutionContext, { code, lines, stderr }: Ended): void {
  t.regex(lines[0] ?? '', /^declined an offer of \S+: the first one$/)
  const rest = lines
    .filter((line) => !line.startsWith('declined '))
    .map((line) => line.replace(/ of \S+$/, '').replace(/^echo-\d+ /, ''))
  t.deepEqual(
    rest.filter((line) => line !== 'is TASK_RUNNING'),
    ['accepted an offer', 'is TASK_FINISHED'],
  )
  t.is(stderr, '')
  t.is(code, 0)
}

/** The line of the events script that tells of its task's end. */
const endOf = (language: Language): RegExp =>
  new RegExp(`^task\\.local\\.${language.toLowerCase()}-[0-9a-f]{16}\\.finished `)

test('where no server is, Python says so in one sentence', async (t) => {
  if (!hasLanguage(t, 'Python')) return
  const folder = aFolder(t)
  const env = { ...process.env, NATS_URL: 'nats://127.0.0.1:1' }
  for (const program of [frameworkIn('Python', folder), EVENTS]) {
    const { code, stderr } = await runProgram(program, env)
    t.is(code, 1)
    t.regex(stderr, /^no NATS server answers at 127\.0\.0\.1: [^\n]*refused\n$/)
  }
})

test('on bourse dev, frameworks in other languages finish their task, and the events script sees it', async (t) => {
  if (!LANGUAGES.every((language) => hasLanguage(t, language))) return
  const folder = aFolder(t)
  const { NATS_URL: _url, NATS_CONTEXT: _context, ...rest } = process.env
  const dev = new Actor(['dev'], { ...rest, BOURSE_STATE_DIR: join(folder, 'state') })
  t.teardown(async () => void (await dev.end()))
  await dev.start()
  const { ['url']: url } = await dev.says('ready')
  const env = { ...rest, NATS_URL: String(url) }
  const events = startListener(t, EVENTS, env)
  await events.hears(/^listening/)
  await Promise.all(
    LANGUAGES.map(async (language) => {
      isDone(t, await runProgram(frameworkIn(language, folder), env))
      t.regex(await events.hears(endOf(language)), /"state": "TASK_FINISHED"/)
    }),
  )
})

test('across machines, with passwords that allow no more, they do the same', async (t) => {
  if (!LANGUAGES.every((language) => hasLanguage(t, language))) return
  if (!needs(t, machinesNeed())) return
  const folder = aFolder(t)
  const machines = await openTwoMachines()
  t.teardown(() => machines.close())
  const { machine, server } = machines
  const events = startListener(t, machine.east.on(...EVENTS), server.env('observer-python.login'))
  await events.hears(/^listening/)
  await Promise.all(
    LANGUAGES.map(async (language) => {
      // No agent runs on the server's machine: every task is somewhere else.
      const argv = machine.server.on(...frameworkIn(language, folder))
      isDone(t, await runProgram(argv, server.env('framework-local.login')))
      await events.hears(endOf(language))
    }),
  )
})

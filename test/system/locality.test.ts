/** The locality experiment in small, as its readers would run it, on a cluster of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { sleep } from '../../bus/clock.ts'
import { type DevFile, readDevFile } from '../../bus/nats/dev-file.ts'
import { tracesOf } from '../../tools/left-behind.ts'
import { runToEnd } from '../support/cluster.ts'
import { untilListed } from '../support/until-listed.ts'

const LOCALITY = fileURLToPath(new URL('../../examples/locality/main.js', import.meta.url))

interface Told {
  readonly kind: 'split' | 'shared'
  readonly waitMs?: number
  readonly tasks: number
  readonly percent: number
}

test('who waits for its data has it, where a split cluster keeps it away', async (t) => {
  t.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'bourse-locality-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const small = ['--agents', '16', '--jobs', '16', '--tasks', '10', '--task-ms', '100']
  const ended = await runToEnd(
    process.execPath,
    [LOCALITY, '--json', ...small, '--waits', '0,5000'],
    { ...process.env, TMPDIR: folder },
  )
  t.is(ended.code, 0, ended.stderr)
  const told = ended.stdout
    .trim()
    .split('\n')
    .map((line): Told => JSON.parse(line))
  const [split, hasty, patient] = told
  t.deepEqual(
    told.map(({ kind, waitMs, tasks }) => [kind, waitMs, tasks]),
    [
      ['split', undefined, 160],
      ['shared', 0, 160],
      ['shared', 5_000, 160],
    ],
  )
  t.true((split?.percent ?? 100) < 25, ended.stdout)
  t.true((hasty?.percent ?? 0) > (split?.percent ?? 100), ended.stdout)
  t.true((patient?.percent ?? 0) >= 90, ended.stdout)
  t.deepEqual(readdirSync(folder), [], 'nothing is left behind')
})

const LOOK_MS = 50

/** One whose tasks run, and will for long. */
async function anExperiment(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-locality-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const args = [LOCALITY, '--agents', '4', '--jobs', '2', '--task-ms', '600000']
  const env = { ...process.env, TMPDIR: folder }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const said = text(child.stderr)
  const ended = once(child, 'exit')
  let dev: DevFile | undefined
  while (dev?.url === undefined) {
    await sleep(LOOK_MS)
    const [own] = readdirSync(folder)
    dev = own === undefined ? undefined : readDevFile(join(folder, own, 'dev.json'))
  }
  await untilListed({ NATS_URL: dev.url }, 'tasks', (tasks) =>
    tasks.some(({ state }) => state === 'TASK_RUNNING'),
  )
  return { folder, child, said, ended, dev }
}

test('an experiment whose cluster is killed says so and ends', async (t) => {
  t.timeout(60_000)
  const { dev, said, ended } = await anExperiment(t)
  process.kill(dev.pid, 'SIGKILL')
  t.deepEqual(await ended, [1, null])
  t.is(await said, 'locality: the cluster has ended\n')
})

test('of an experiment that is killed no process is left', async (t) => {
  t.timeout(60_000)
  const { folder, child, ended } = await anExperiment(t)
  child.kill('SIGKILL')
  await ended
  while (tracesOf([folder]).processes.length > 0) await sleep(LOOK_MS)
  t.pass()
})

test('the locality experiment says how it is used', async (t) => {
  for (const wrong of [
    ['--seed', 'x'],
    ['--agents', '2', '--jobs', '1'],
    ['--jobs', '33'],
    ['--what'],
  ]) {
    const ended = await runToEnd(process.execPath, [LOCALITY, ...wrong], process.env)
    t.is(ended.code, 64, wrong.join(' '))
    t.regex(ended.stderr, /^usage: main\.js /)
  }
})

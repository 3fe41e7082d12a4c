import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../../bus/clock.ts'
import { isTerminal, type TaskState } from '../../../protocol/task-state.ts'
import type { LabFramework } from '../../lab/contract.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

const FLOOD = fileURLToPath(new URL('../flood-process.js', import.meta.url))
const CALLS_PER_S = 100_000
const MEASURED_MS = 5_000
const PART_MIN = 0.9

export const flood: Row = {
  number: 25,
  name: 'flood',
  fault: 'one framework makes 100,000 calls a second',
  expected:
    'it is throttled; another one keeps 90 % of its throughput, if the leader gets the third of a core that refusing takes',
  invariants: ['I7', 'I8'],
  withinMs: 3_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, { steady: { runMs: [8_000, 16_000] } })
    const polite = await lab.framework({ name: 'polite', tasks: 0, atOnce: 8, runMs: [200, 400] })
    await sleep(MEASURED_MS / 2)
    const before = await endsIn(polite)
    const child = spawn(process.execPath, [FLOOD, lab.env['NATS_URL'] ?? '', String(CALLS_PER_S)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    stage.onEnd(() => child.kill('SIGKILL'))
    await inTime(once(child.stdout, 'data'), 'the flood')
    await sleep(MEASURED_MS / 2)
    const leader = await lab.leader()
    const core = coreOf(leader.pid)
    const during = await endsIn(polite)
    const had = core()
    const since = stopwatch()
    await inTime(probe.ran(), 'a task during the flood')
    const recoveryMs = since()
    child.kill('SIGTERM')
    const [said] = (await inTime(once(child.stdout, 'data'), 'the end of the flood')) as [Buffer]
    await polite.drain()
    const part = during / before
    const figures = `${before} tasks in ${MEASURED_MS} ms before, ${during} during`
    return await finish({
      recoveryMs,
      note: `${said.toString().trim()} calls a second; the other one ran ${figures} (${Math.round(part * 100)} %); ${had}`,
      problems: part < PART_MIN ? [`the other one kept ${Math.round(part * 100)} %; ${had}`] : [],
    })
  },
}

async function endsIn(framework: LabFramework): Promise<number> {
  const before = endsOf(framework)
  await sleep(MEASURED_MS)
  return endsOf(framework) - before
}

/** What the main thread of the leader gets from now on. */
function coreOf(pid: number): () => string {
  const since = stopwatch()
  const from = runAndWaitMs(pid)
  return () => {
    const to = runAndWaitMs(pid)
    const [had = 0, waited = 0] = to.map((ms, i) =>
      Math.round(((ms - (from[i] ?? 0)) / since()) * 100),
    )
    return `the leader had ${had} % of a core, and waited ${waited} % of the time for one`
  }
}

const NS_PER_MS = 1e6

const runAndWaitMs = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/schedstat`, 'utf8')
    .split(' ', 2)
    .map((ns) => Number(ns) / NS_PER_MS)

const endsOf = (framework: LabFramework): number =>
  framework.statuses().filter(({ state }) => isTerminal(state as TaskState)).length

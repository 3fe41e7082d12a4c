import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../../bus/clock.ts'
import { isTerminal, type TaskState } from '../../../protocol/task-state.ts'
import type { LabFramework } from '../../lab/contract.ts'
import { EACH } from '../probe.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

const FLOOD = fileURLToPath(new URL('../flood-process.js', import.meta.url))
const CALLS_PER_S = 100_000
const MEASURED_MS = 5_000
const PART_MIN = 0.9
/** Of a core, which refusing takes; who waits for no more of one has all that it wants. */
const CORE_PART_MIN = 1 / 3
const WAITED_PART_MAX = 0.05

export const flood: Row = {
  number: 25,
  name: 'flood',
  fault: 'one framework makes 100,000 calls a second',
  expected:
    'it is throttled; another one keeps 90 % of its throughput, if the leader gets the third of a core that refusing takes',
  invariants: ['I7', 'I8'],
  withinMs: 3_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, {
      // The other one is to wait for nothing but the leader.
      steady: { runMs: [8_000, 16_000], resources: EACH },
    })
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
    const { had, waited } = core()
    const hasCore = had >= CORE_PART_MIN || waited <= WAITED_PART_MAX
    const since = stopwatch()
    await inTime(probe.ran(), 'a task during the flood')
    const recoveryMs = since()
    child.kill('SIGTERM')
    const [said] = (await inTime(once(child.stdout, 'data'), 'the end of the flood')) as [Buffer]
    await polite.drain()
    const part = during / before
    const got = `the leader had ${percent(had)} of a core, and waited ${percent(waited)} of the time for one`
    const figures = `${before} tasks in ${MEASURED_MS} ms before, ${during} during`
    return await finish({
      recoveryMs,
      note: `${said.toString().trim()} calls a second; the other one ran ${figures} (${percent(part)}); ${got}`,
      problems: hasCore && part < PART_MIN ? [`the other one kept ${percent(part)}; ${got}`] : [],
      ...(!hasCore && { missing: `a third of a core for the leader: ${got}` }),
    })
  },
}

async function endsIn(framework: LabFramework): Promise<number> {
  const before = endsOf(framework)
  await sleep(MEASURED_MS)
  return endsOf(framework) - before
}

const percent = (part: number): string => `${Math.round(part * 100)} %`

/** Parts of the time in which a main thread ran, and could have. */
interface Core {
  readonly had: number
  readonly waited: number
}

/** From now on. */
function coreOf(pid: number): () => Core {
  const since = stopwatch()
  const from = runAndWaitMs(pid)
  return () => {
    const [had = 0, waited = 0] = runAndWaitMs(pid).map((ms, i) => (ms - (from[i] ?? 0)) / since())
    return { had, waited }
  }
}

const NS_PER_MS = 1e6

const runAndWaitMs = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/schedstat`, 'utf8')
    .split(' ', 2)
    .map((ns) => Number(ns) / NS_PER_MS)

const endsOf = (framework: LabFramework): number =>
  framework.statuses().filter(({ state }) => isTerminal(state as TaskState)).length

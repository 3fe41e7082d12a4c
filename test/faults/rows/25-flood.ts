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
const MEASURED_MS = 10_000
const PART_MIN = 0.9
/** Who shares a machine that has no more to give loses to all others on it, not to the flood. */
const IDLE_PART_MIN = 0.2

export const flood: Row = {
  number: 25,
  name: 'flood',
  fault: 'one framework makes 100,000 calls a second',
  expected:
    'it is throttled; another one keeps 90 % of its throughput, if a fifth of the machine stays idle',
  invariants: ['I7', 'I8'],
  withinMs: 3_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, {
      // The other one is to wait for nothing but the leader.
      steady: { runMs: [8_000, 16_000], resources: EACH },
    })
    // Shorter tasks leave two cores no room for a flood beside them, and so nothing to be judged.
    const polite = await lab.framework({ name: 'polite', tasks: 0, atOnce: 8, runMs: [500, 1_000] })
    await sleep(MEASURED_MS / 2)
    const before = await endsIn(polite)
    const child = spawn(process.execPath, [FLOOD, lab.env['NATS_URL'] ?? '', String(CALLS_PER_S)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    stage.onEnd(() => child.kill('SIGKILL'))
    await inTime(once(child.stdout, 'data'), 'the flood')
    await sleep(MEASURED_MS / 2)
    const idle = idleSince()
    const during = await endsIn(polite)
    const idlePart = idle()
    const hasRoom = idlePart >= IDLE_PART_MIN
    const since = stopwatch()
    await inTime(probe.ran(), 'a task during the flood')
    const recoveryMs = since()
    child.kill('SIGTERM')
    const [said] = (await inTime(once(child.stdout, 'data'), 'the end of the flood')) as [Buffer]
    await polite.drain()
    const part = during / before
    const got = `${percent(idlePart)} of the machine was idle`
    const figures = `${before} tasks in ${MEASURED_MS} ms before, ${during} during`
    return await finish({
      recoveryMs,
      note: `${said.toString().trim()} calls a second; the other one ran ${figures} (${percent(part)}); ${got}`,
      problems: hasRoom && part < PART_MIN ? [`the other one kept ${percent(part)}; ${got}`] : [],
      ...(!hasRoom && { missing: `a fifth of the machine to spare: ${got}` }),
    })
  },
}

async function endsIn(framework: LabFramework): Promise<number> {
  const before = endsOf(framework)
  await sleep(MEASURED_MS)
  return endsOf(framework) - before
}

const percent = (part: number): string => `${Math.round(part * 100)} %`

/** What part of all cores had nothing to do, from now on. */
function idleSince(): () => number {
  const from = coreTimes()
  return () => {
    const now = coreTimes()
    return (now.idle - from.idle) / (now.all - from.all)
  }
}

const IDLE_AT = 3
const GUEST_AT = 8

/** In ticks. Unlike `os.cpus()` it knows what other guests of the same host took. */
function coreTimes(): { readonly idle: number; readonly all: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  // User, nice, system, idle, iowait, irq, softirq, steal; then guests, which user has already.
  const times = line.split(/\s+/).slice(1).map(Number).slice(0, GUEST_AT)
  return { idle: times[IDLE_AT] ?? 0, all: times.reduce((all, time) => all + time, 0) }
}

const endsOf = (framework: LabFramework): number =>
  framework.statuses().filter(({ state }) => isTerminal(state as TaskState)).length

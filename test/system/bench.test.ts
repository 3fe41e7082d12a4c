/** The benches at a size that says nothing about speed: do they run, and do their counts add up? */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type Measured, resultOf } from '../bench/result.ts'
import { failover } from '../bench/scenarios/failover.ts'
import { floor } from '../bench/scenarios/floor.ts'
import { growth } from '../bench/scenarios/growth.ts'
import { idle } from '../bench/scenarios/idle.ts'
import { latency } from '../bench/scenarios/latency.ts'
import { paper } from '../bench/scenarios/paper.ts'
import { throughput } from '../bench/scenarios/throughput.ts'
import type { Settings } from '../bench/settings.ts'

const settings: Settings = { agents: 3, tasks: 50, say: () => undefined }

/** @throws when the counts do not add up. */
async function figuresOf(
  name: string,
  scenario: (settings: Settings) => Promise<Measured>,
  more: Partial<Settings> = {},
): Promise<Measured['figures']> {
  return resultOf(name, await scenario({ ...settings, ...more })).figures
}

const PROCESSES = ['agent', 'allocator', 'master', 'nats', 'scheduler', 'total']
const processesOf = (figure: Measured['figures'][string] | undefined): readonly string[] =>
  Object.keys(figure ?? {}).toSorted()

test('floor passes each task through five processes', async (t) => {
  const figures = await figuresOf('floor', floor)
  t.true(Number(figures['tasksPerS']) > 0)
  t.deepEqual(processesOf(figures['cpuUsPerTask']), PROCESSES)
})

test('throughput of several frameworks is told beside the floor of the same run', async (t) => {
  t.timeout(60_000)
  const figures = await figuresOf('throughput', throughput, { frameworks: 2 })
  t.true(Number(figures['tasksPerS']) > 0)
  t.true(Number(figures['floorTasksPerS']) > 0)
  t.true(Number(figures['acceptToRunningMsP50']) <= Number(figures['acceptToRunningMsP99']))
  t.deepEqual(processesOf(figures['cpuUsPerTask']), PROCESSES)
  t.deepEqual(processesOf(figures['cpuOverFloor']), PROCESSES)
  t.deepEqual(processesOf(figures['rssMiB']), PROCESSES.slice(0, -1))
})

test('latency is told of pretended tasks and of real ones, with its steps', async (t) => {
  t.timeout(60_000)
  const figures = await figuresOf('latency', latency, { agents: 1, tasks: 20 })
  for (const key of ['acceptToRunningMsP50', 'acceptToRunningMsP99'])
    t.deepEqual(processesOf(figures[key]), ['pretending', 'real'])
  const steps = ['agent', 'master', 'scheduler', 'schedulerHears']
  t.deepEqual(processesOf(figures['stepsMsP50Pretending']), steps)
  t.deepEqual(processesOf(figures['stepsMsP50Real']), steps)
})

test('idle tells what each process takes of a core while nothing happens', async (t) => {
  t.timeout(60_000)
  const figures = await figuresOf('idle', idle, { seconds: 1 })
  t.deepEqual(processesOf(figures['cpuPercent3']), ['agent', 'allocator', 'master', 'nats'])
})

test('growth measures the empty cluster and the filled one', async (t) => {
  t.timeout(90_000)
  const figures = await figuresOf('growth', growth)
  for (const point of ['of3', 'of3Filled10', 'of3Filled50', 'of3Filled95'])
    t.deepEqual(processesOf(figures[`cpuUsPerTask.${point}`]), PROCESSES)
})

test('paper loses no task, and measures one at a time', async (t) => {
  t.timeout(60_000)
  const shortRuns = (given: Settings) => paper(given, { meanMs: 300, sdMs: 100 })
  const figures = await figuresOf('paper', shortRuns, { frameworks: 2, tasks: 3, seconds: 1 })
  t.true(Number(figures['overheadMsP50']) <= Number(figures['overheadMsP99']))
})

test('failover tells what detection, lease and rebuild take', async (t) => {
  t.timeout(60_000)
  const figures = await figuresOf('failover', failover, { tasksPerAgent: 2, frameworks: 1 })
  const { recoveryMs, detectionMs, leaseMs, rebuildMs, admittedMs } = figures
  for (const figure of [admittedMs, recoveryMs, detectionMs, leaseMs, rebuildMs])
    t.true(Number(figure) >= 0)
  const survivors = ['agent', 'allocator', 'frameworks', 'nats', 'standby', 'total']
  t.deepEqual(processesOf(figures['cpuUsPerAgent']), survivors)
  t.true(Number(recoveryMs) >= Number(detectionMs) + Number(leaseMs) + Number(rebuildMs))
})

const BENCH = fileURLToPath(new URL('../bench/bench.js', import.meta.url))

for (const wrong of [[], ['nonsense'], ['floor', '--agents', 'x'], ['table', 'nonsense']]) {
  test(`wrong use is answered with a sentence and exit 64: bench ${wrong.join(' ')}`, (t) => {
    const options = { encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [BENCH, ...wrong], options)
    t.is(status, 64)
    t.is(stdout, '')
    t.regex(stderr, /^.+\n$/)
  })
}

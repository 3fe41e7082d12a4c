/** The benches at a size that says nothing about speed: do they run, and do their counts add up? */
import test from 'ava'
import { type Measured, resultOf } from '../bench/result.ts'
import { floor } from '../bench/scenarios/floor.ts'
import { latency } from '../bench/scenarios/latency.ts'
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

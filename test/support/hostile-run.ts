/** A run of hostile tasks as tests: one for each task, one for the neighbour, one for traces. */
import test from 'ava'
import type { HostileTask } from '../hostile/case.ts'
import { type HostileOutcome, type TaskEnd, wrongIn } from '../hostile/outcome.ts'
import { runHostile } from '../hostile/run.ts'
import { summary } from '../hostile/summary.ts'
import { needs } from './needs.ts'

export interface HostileRun {
  readonly tasks: readonly HostileTask[]
  readonly restMs: number
  readonly only?: 'alone' | 'together'
  readonly timeoutMs: number
}

export function testHostile({ tasks, restMs, only, timeoutMs }: HostileRun): void {
  let outcome: HostileOutcome

  test.before(async (t) => {
    t.timeout(timeoutMs)
    outcome = await runHostile({
      tasks,
      restMs,
      ...(only && { only }),
      say: (line) => t.log(line),
    })
    for (const line of summary(outcome)) t.log(line)
  })

  for (const { name, does, ends } of tasks)
    test(`a task that ${does}: ${ends.reasons?.join(' or ') ?? ends.state}`, (t) => {
      const why = outcome.skipped.find((one) => one.name === name)?.why
      if (!needs(t, { name: `what holds it (${why})`, found: why === undefined })) return
      const ended = endsIn(outcome).filter((one) => one.name === name)
      t.true(ended.length > 0)
      for (const { problems } of ended) t.deepEqual(problems, [])
    })

  test('the neighbour answers all, and its output is whole', (t) => {
    t.deepEqual(
      wrongIn(outcome).filter((line) => line.startsWith('the neighbour: ')),
      [],
    )
  })

  test('nothing of them is left behind', (t) => t.deepEqual(outcome.leftBehind, []))
}

const endsIn = ({ alone, together }: HostileOutcome): readonly TaskEnd[] =>
  [...alone, ...(together === undefined ? [] : [together])].flatMap(({ ends }) => ends)

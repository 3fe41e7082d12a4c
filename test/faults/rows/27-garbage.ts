import { runGarbage } from '../../garbage/run.ts'
import type { Row } from '../row.ts'
import { GROWTH_MIB } from '../scene.ts'

const MESSAGES = 4_000
const LOADED_MESSAGES = 12_000
const SEED = 27

export const garbage: Row = {
  number: 27,
  name: 'garbage',
  fault: 'rubbish on every subject, from strangers of every kind',
  expected: 'refused by name, counted, answered where it can be; nobody dies',
  invariants: ['I7'],
  withinMs: 100_000,
  async run({ isLoaded }) {
    const messages = isLoaded ? LOADED_MESSAGES : MESSAGES
    // It throws when somebody has died, and ends with a task of a newcomer.
    const { subjects, refused, tasks, seconds, leads, rssMib } = await runGarbage({
      messages,
      seed: SEED,
    })
    const refusals = [...refused.values()].reduce((all, count) => all + count, 0)
    const note = `${messages} messages on ${subjects} subjects: ${refusals} refused by name, ${tasks} tasks ran meanwhile, ${leads} leads`
    const problems = [...rssMib].flatMap(([name, [before, after]]) =>
      after - before > GROWTH_MIB ? [`I7: ${name} has grown from ${before} to ${after} MiB`] : [],
    )
    const counts = { lost: 0, doubled: 0, phantom: 0 }
    return { recoveryMs: Math.round(seconds * 1_000), ...counts, note, problems }
  },
}

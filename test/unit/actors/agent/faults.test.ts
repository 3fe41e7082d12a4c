import test from 'ava'
import { nextInteger, seededRandom } from '../../../../actors/parts/random.ts'
import { isTerminal } from '../../../../protocol/task-state.ts'
import { Model } from './cluster-model.ts'

const SEEDS = 40
const STEPS = 400

test('whatever is lost and wherever it crashes, books agree and all ends are told', (t) => {
  let crashes = 0
  let told = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const model = new Model(seededRandom(seed.toString(16).padStart(32, '0')))
    const actions = [
      () => model.run(),
      () => model.run(),
      () => model.kill(),
      () => model.endOne(),
      () => model.endOne(),
      () => model.pass(nextInteger(model.random, 1, 5_000)),
      () => model.hear({ kind: 'checkpoint.grown' }),
    ]
    for (let step = 0; step < STEPS; step++) {
      actions[nextInteger(model.random, 0, actions.length)]?.()
      model.deliver()
    }
    model.faults = 0
    for (let i = 0; i < 10; i++) {
      model.endOne()
      model.pass(600_000)
    }
    t.is(model.containers.size, 0, `seed ${seed}: a container is left`)
    t.is(model.state.tasks.size, 0, `seed ${seed}: a task is left`)
    t.deepEqual(
      [...model.launched].filter((launch) => {
        const last = model.seen.get(launch as never)?.at(-1)
        return last === undefined || !isTerminal(last.state)
      }),
      [],
      `seed ${seed}: an end was not told`,
    )
    crashes += model.crashes
    told += model.seen.size
  }
  t.log(`${crashes} crashes, ${told} launches`)
  t.true(crashes > SEEDS)
  t.true(told > 10 * SEEDS)
})

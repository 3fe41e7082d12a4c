import test from 'ava'
import fc from 'fast-check'
import { Deadlines } from '../../../../actors/parts/deadlines.ts'

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const atMs = fc.integer({ min: 0, max: 50 })
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, atMs }),
  fc.record({ do: fc.constant('clear' as const), key }),
  fc.record({ do: fc.constant('take' as const), atMs }),
  fc.record({ do: fc.constant('clear-all' as const) }),
)

/** The naive model: a map in the order of setting, searched each time. */
function dueIn(model: ReadonlyMap<string, number>, nowMs: number): readonly string[] {
  return [...model].filter(([, ms]) => ms <= nowMs).map(([name]) => name)
}

test('whatever is set and cleared, what is due is what a plain map says', (t) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
      const deadlines = new Deadlines<string>()
      const model = new Map<string, number>()
      for (const step of steps) {
        if (step.do === 'set') {
          deadlines.set(step.key, step.atMs, step.key)
          model.delete(step.key)
          model.set(step.key, step.atMs)
        } else if (step.do === 'clear') {
          deadlines.clear(step.key)
          model.delete(step.key)
        } else if (step.do === 'clear-all') {
          deadlines.clearAll()
          model.clear()
        } else {
          const taken = deadlines.takeDue(step.atMs)
          const due = dueIn(model, step.atMs)
          t.is(taken === undefined, due.length === 0)
          if (taken !== undefined) {
            const earliestMs = Math.min(...model.values())
            t.is([...model].find(([, ms]) => ms === earliestMs)?.[0], taken)
            model.delete(taken)
          }
        }
        t.is(deadlines.nextMs(), model.size === 0 ? undefined : Math.min(...model.values()))
        for (const name of 'abcdef') t.is(deadlines.has(name), model.has(name))
      }
    }),
  )
})

test('all that is due is taken in order of time', (t) => {
  fc.assert(
    fc.property(fc.array(atMs, { maxLength: 100 }), (times) => {
      const deadlines = new Deadlines<number>()
      for (const [i, ms] of times.entries()) deadlines.set(`${i}`, ms, ms)
      const taken: number[] = []
      for (let ms = deadlines.takeDue(50); ms !== undefined; ms = deadlines.takeDue(50)) {
        taken.push(ms)
      }
      t.deepEqual(
        taken,
        times.toSorted((a, b) => a - b),
      )
    }),
  )
})

test('a deadline that is set again and again leaves nothing behind', (t) => {
  const deadlines = new Deadlines<number>()
  for (let i = 0; i < 100_000; i++) deadlines.set('ping', 1_000_000 + i, i)
  t.is(deadlines.nextMs(), 1_099_999)
  t.true(deadlines.size < 1_000)
})

test('what was cleared is forgotten long before it would have been due', (t) => {
  const deadlines = new Deadlines<number>()
  for (let i = 0; i < 100_000; i++) {
    deadlines.set(`${i}`, 1_000_000, i)
    if (i % 10 !== 0) deadlines.clear(`${i}`)
  }
  t.true(deadlines.size < 25_000)
  let left = 0
  while (deadlines.takeDue(1_000_000) !== undefined) left += 1
  t.is(left, 10_000)
})

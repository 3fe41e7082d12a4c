import test from 'ava'
import { type Told, tallyOf } from '../../faults/tally.ts'

const told = (starts: number): Told => ({
  told: () => new Map(),
  launched: () => [],
  refused: () => ['t'],
  startsOf: () => starts,
})

test('a start of a task whose launch was refused is a phantom', (t) => {
  t.is(tallyOf([told(0)]).phantom, 0)
  t.is(tallyOf([told(1)]).phantom, 1)
})

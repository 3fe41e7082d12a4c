import type { Row } from '../row.ts'
import { badWire } from './bad-wire.ts'

export const delay: Row = badWire(
  { delayMs: 50, jitterMs: 450, dropPart: 0.05 },
  {
    number: 20,
    name: 'delay',
    fault: 'messages take 50 to 500 ms, one of twenty is lost',
    expected: 'slower, and right',
    invariants: ['I1', 'I3'],
  },
)

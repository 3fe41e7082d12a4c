import type { Row } from '../row.ts'
import { badWire } from './bad-wire.ts'

export const losses: Row = badWire(
  { dropPart: 0.1 },
  {
    number: 22,
    name: 'losses',
    fault: 'one of ten messages is lost',
    expected: 'what counts is said again until it is heard',
    invariants: ['I3', 'I7'],
  },
)

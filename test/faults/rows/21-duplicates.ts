import type { Row } from '../row.ts'
import { badWire } from './bad-wire.ts'

export const duplicates: Row = badWire(
  { duplicatePart: 0.1 },
  {
    number: 21,
    name: 'duplicates',
    fault: 'one of ten messages comes twice',
    expected: 'nothing happens twice',
    invariants: ['I1', 'I3', 'I4'],
  },
)

/** What happens in one round: a few faults that overlap, each with its own target. */
import type { Dice } from './dice.ts'
import type { Drawn, FaultKind, Scope } from './fault.ts'
import { NETWORK_FAULTS } from './network-faults.ts'
import { PROCESS_FAULTS } from './process-faults.ts'
import { STORE_FAULTS } from './store-faults.ts'

export interface Planned {
  readonly fault: Drawn
  /** From the beginning of its round. */
  readonly afterMs: number
}

/** How many faults a round has, as often as they stand here. */
const COUNTS = [1, 1, 2, 2, 3]
const OVERLAP_MS: readonly [number, number] = [0, 4_000]
const ALL: readonly FaultKind[] = [...PROCESS_FAULTS, ...NETWORK_FAULTS, ...STORE_FAULTS]

export function drawRound(dice: Dice, scope: Scope): readonly Planned[] {
  const kinds = ALL.filter(({ needs }) => needs === undefined || scope[needs])
  const count = dice.pick(COUNTS)
  const planned: Planned[] = []
  while (planned.length < count) {
    const fault = dice.weighted(kinds).draw(dice, scope)
    const afterMs = planned.length === 0 ? 0 : Math.round(dice.between(...OVERLAP_MS))
    const isFree = planned.every(({ fault: other }) =>
      other.targets.every((target) => !fault.targets.includes(target)),
    )
    if (isFree) planned.push({ fault, afterMs })
  }
  return planned
}

/** Resources in sentences that say what was wanted and what there is: ranges by their ends. */

import type { Amount } from './amount.ts'
import { countRanges } from './ranges.ts'
import type { Resources } from './resources.ts'
import { fromThousandths } from './scalar.ts'

/** Ranges, or members of a set, that are spelled out. */
const SHOWN_MAX = 8

/**
 * `cpus 1.5, ports [80-80, 31000-31499], colours {red, blue}`; of long lists only the beginning.
 */
export function spellResources(resources: Resources): string {
  const parts = [...resources.values()].map(
    ({ traits, amount }) => `${traits.name} ${spell(amount)}`,
  )
  return parts.join(', ') || 'nothing'
}

function spell(amount: Amount): string {
  if (amount.kind === 'scalar') return String(fromThousandths(amount.thousandths))
  if (amount.kind === 'set') return `{${some([...amount.members], amount.members.size)}}`
  const shown = amount.ranges.map(([begin, end]) => `${begin}-${end}`)
  return `[${some(shown, countRanges(amount.ranges))}]`
}

/** `count`: how many there are in all. */
function some(parts: readonly string[], count: number): string {
  const more = parts.length > SHOWN_MAX ? [`… ${count} in all`] : []
  return [...parts.slice(0, SHOWN_MAX), ...more].join(', ')
}

/** What is offered at all, and to whom, as it is written in flags. */
import { type Refusal, refusal } from '../protocol/errors.ts'
import { MIN_ALLOCATABLE_MAX, QUANTITIES_MAX } from '../protocol/limits.ts'
import type { MinAllocatable, Quantities, ResourceEntry } from '../protocol/schema/common.ts'
import { parseResourceFlag } from './resource-flags.ts'

/** However little it is. */
const ANYTHING = 'anything'

/** `cpus:0.01|mem:32`, alternatives with `|`, of which each may name several with `;` between. */
export function parseMinAllocatable(text: string): MinAllocatable | Refusal {
  if (text.trim() === ANYTHING) return []
  const alternatives = text.split('|')
  if (alternatives.length > MIN_ALLOCATABLE_MAX)
    return refusal('invalid', `more than ${MIN_ALLOCATABLE_MAX} alternatives`)
  const parsed: Quantities[] = []
  for (const alternative of alternatives) {
    const list = parseResourceFlag(alternative)
    if ('code' in list) return list
    if (list.length > QUANTITIES_MAX)
      return refusal('invalid', `"${alternative}" names more than ${QUANTITIES_MAX} amounts`)
    const other = list.find((entry) => !isPlainScalar(entry))
    if (other !== undefined) return refusal('invalid', `${other.name} is not an amount`)
    parsed.push(Object.fromEntries(list.map(({ name, scalar = 0 }) => [name, scalar])))
  }
  return parsed
}

const isPlainScalar = ({ scalar, role }: ResourceEntry): boolean =>
  scalar !== undefined && role === undefined

/** What `parseMinAllocatable` reads. */
export function minAllocatableFlag(alternatives: MinAllocatable): string {
  const texts = alternatives.map((amounts) =>
    Object.entries(amounts)
      .map(([name, amount]) => `${name}:${amount}`)
      .join(';'),
  )
  return texts.length === 0 ? ANYTHING : texts.join('|')
}

const REGION_LENGTH_MAX = 1_024

/** As agents have it in the attribute `region`. */
export function parseRegion(text: string): string | Refusal {
  if (text !== '' && text.length <= REGION_LENGTH_MAX) return text
  return refusal('invalid', `a region has 1 to ${REGION_LENGTH_MAX} characters`)
}

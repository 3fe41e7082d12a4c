/** What tasks want, parsed once and kept once for all that want the same: it is never changed. */
import type { Refusal } from '../../../protocol/errors.ts'
import { parseResources, type Resources } from '../../../protocol/resources.ts'
import type { WantedResources } from '../../../protocol/schema/common.ts'
import type { Leader } from '../state.ts'

/** A longer one is rarely the same as another. */
const WISH_LENGTH_MAX = 256

export function parseWish({ wishes }: Leader, wanted: WantedResources): Resources | Refusal {
  const text = JSON.stringify(wanted)
  const known = wishes.get(text)
  if (known !== undefined) return known
  const parsed = parseResources(wanted)
  if (!('code' in parsed) && text.length <= WISH_LENGTH_MAX) wishes.set(text, parsed)
  return parsed
}

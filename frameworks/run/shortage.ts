/** What offers lacked, so that whoever waits can be told why. */
import type { Resources } from '../../protocol/resources.ts'
import { amountsOf, describeLack, isLacking, type Lack, type Wanted } from './wanted.ts'

export interface Shortage {
  offersSeen: number
  /** The most that any one offer had of each resource. */
  readonly best: Map<string, Lack>
  /** What the offer lacked that came nearest; resources that it lacked, at least one. */
  nearest: readonly Lack[] | undefined
}

export function noShortage(): Shortage {
  return { offersSeen: 0, best: new Map(), nearest: undefined }
}

/** Looks at an offer as it came. */
export function noteOffer(shortage: Shortage, offered: Resources, wanted: Wanted): void {
  shortage.offersSeen += 1
  for (const amount of amountsOf(offered, wanted)) {
    const before = shortage.best.get(amount.name)
    if (before === undefined || before.offered < amount.offered)
      shortage.best.set(amount.name, amount)
  }
}

/** Looks at an offer, or what is left of one, that fits no instance; says why in a sentence. */
export function noteMisfit(shortage: Shortage, offered: Resources, wanted: Wanted): string {
  const lacks = amountsOf(offered, wanted).filter(isLacking)
  if (lacks.length === 0) return 'what is offered is not plain resources'
  if (shortage.nearest === undefined || lacks.length <= shortage.nearest.length)
    shortage.nearest = lacks
  return lacks.map(describeLack).join('; ')
}

/** Why nothing fitted, a sentence for each reason. */
export function explain({ offersSeen, best, nearest }: Shortage): readonly string[] {
  if (offersSeen === 0) return ['no agent offered anything']
  const never = [...best.values()].filter(isLacking)
  if (never.length > 0) return never.map((lack) => `${describeLack(lack)} at most`)
  if (nearest === undefined) return ['no offer was left for the rest']
  const lacking = nearest.map(describeLack).join('; ')
  return [`no single offer had everything: the nearest lacked ${lacking}`]
}

/** Two sides do the same work in turn, so that what disturbs the machine disturbs both. */
import type { Figure } from '../result.ts'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @throws when there is none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) throw new Error('nothing was measured')
  const upper = sorted[Math.floor(sorted.length / 2)] as number
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] as number
  return { median: (lower + upper) / 2, min, max }
}

/** What is better: more of it, or less. */
export type Better = 'more' | 'less'

/** One figure of each round, of both sides. */
export interface Pairs {
  readonly bourse: readonly number[]
  readonly peer: readonly number[]
  readonly better: Better
}

/**
 * How many times better Bourse is: below one, it is worse. The median is the ratio of both medians;
 * least and most are those of one round, whose two halves ran one after the other.
 */
export function timesBetter({ bourse, peer, better }: Pairs): Spread {
  const ratio = (ours: number, theirs: number): number =>
    better === 'more' ? ours / theirs : theirs / ours
  const rounds = bourse.map((ours, i) => ratio(ours, peer[i] as number))
  const { min, max } = spreadOf(rounds)
  return { min, max, median: ratio(spreadOf(bourse).median, spreadOf(peer).median) }
}

/** As figures: medians, least and most of both, and how many times better Bourse is. */
export function figuresOf(peerName: string, pairs: Pairs): Figure {
  const sides = { bourse: spreadOf(pairs.bourse), [peerName]: spreadOf(pairs.peer) }
  const named = Object.entries({ ...sides, timesBetter: timesBetter(pairs) })
  return Object.fromEntries(
    named.flatMap(([name, { median, min, max }]) => [
      [name, significant(median)],
      [`${name}Min`, significant(min)],
      [`${name}Max`, significant(max)],
    ]),
  )
}

const DIGITS = 3

/** Three digits: more would be noise. */
export const significant = (value: number): number => Number(value.toPrecision(DIGITS))

/** Bourse's turn and the peer's, so many times. */
export async function inTurn<Ours, Theirs>(
  rounds: number,
  bourse: () => Promise<Ours>,
  peer: () => Promise<Theirs>,
): Promise<{ readonly bourse: readonly Ours[]; readonly peer: readonly Theirs[] }> {
  const ours: Ours[] = []
  const theirs: Theirs[] = []
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await bourse())
    theirs.push(await peer())
  }
  return { bourse: ours, peer: theirs }
}

/** What a cluster kernel of this kind is expected to do, by number, and how Bourse shows it. */

/** `file`: below `test/`, without `.test.ts`. */
export interface TestName {
  readonly file: string
  readonly title: string
}

/** Why a behaviour, or a part of it, is not shown. */
export type Reason =
  | { readonly kind: 'not yet' | 'other transport'; readonly what: string }
  /** `decision`: its number in docs/decisions. */
  | { readonly kind: 'deliberately different'; readonly what: string; readonly decision: string }

export interface Behaviour {
  readonly number: number
  readonly sentence: string
  /** All of them show it together. */
  readonly tests: readonly TestName[]
  /** Of the part that no test shows: all of it where there are no tests. */
  readonly reasons: readonly Reason[]
}

export interface Section {
  readonly title: string
  /** All that belong to it: each has its behaviour. */
  readonly numbers: readonly number[]
  readonly behaviours: readonly Behaviour[]
}

export const inFile = (file: string, ...titles: readonly string[]): readonly TestName[] =>
  titles.map((title) => ({ file, title }))

export const notYet = (what: string): Reason => ({ kind: 'not yet', what })

export const otherTransport = (what: string): Reason => ({ kind: 'other transport', what })

export const different = (decision: string, what: string): Reason => ({
  kind: 'deliberately different',
  what,
  decision,
})

export function behaviour(
  number: number,
  sentence: string,
  tests: readonly TestName[],
  ...reasons: readonly Reason[]
): Behaviour {
  return { number, sentence, tests, reasons }
}

export const reasonText = (reason: Reason): string =>
  reason.kind === 'deliberately different'
    ? `${reason.kind}: decision ${reason.decision}: ${reason.what}`
    : `${reason.kind}: ${reason.what}`

/** Which events are wanted: what a person writes becomes a subject of the bus. */
import { EVENT_WORDS, type EventKind } from '../protocol/event-words.ts'
import { isToken } from '../protocol/ids.ts'
import { allEvents } from '../protocol/subjects.ts'
import { wrongUse } from './exit-code.ts'

/** Kinds whose subjects also say whose the event is. */
const OWNED: ReadonlySet<string> = new Set(['framework', 'offer', 'task'])

/** The subjects of events that `pattern`, a good one, stands for. A kind alone is all of it. */
export const eventFilter = (cluster: string, pattern: string): string =>
  allEvents(cluster).replace(/>$/, isKind(pattern) ? `${pattern}.>` : pattern)

const isKind = (word: string): word is EventKind => Object.hasOwn(EVENT_WORDS, word)

/** @throws {ClusterError} `cli/usage`: it is no pattern, or none that any event could match. */
export function requirePattern(pattern: string): void {
  if (isKind(pattern)) return
  const tokens = pattern.split('.')
  const isGood = tokens.every(
    (token, i) => token === '*' || isToken(token) || (token === '>' && i === tokens.length - 1),
  )
  if (!isGood)
    throw wrongUse(
      `"${pattern}" is no pattern: words of letters, digits, _ or -, with dots between them; * is any word, > at the end any rest`,
    )
  if (!SHAPES.some((shape) => canMatch(tokens, shape))) throw wrongUse(noneIs(pattern, tokens))
}

/** Subjects behind `<c>.event.`, with `*` for an id. */
const SHAPES: readonly (readonly string[])[] = Object.entries(EVENT_WORDS).flatMap(
  ([kind, words]) =>
    Object.keys(words).map((word) => (OWNED.has(kind) ? [kind, '*', '*', word] : [kind, word])),
)

function canMatch(pattern: readonly string[], shape: readonly string[]): boolean {
  for (const [i, token] of pattern.entries()) {
    const there = shape[i]
    if (there === undefined) return false
    if (token === '>') return true
    if (token !== '*' && there !== '*' && token !== there) return false
  }
  return pattern.length === shape.length
}

function noneIs(pattern: string, [kind = '', ...rest]: readonly string[]): string {
  const kinds = Object.keys(EVENT_WORDS)
  const words = isKind(kind) && EVENT_WORDS[kind]
  if (kind !== '*' && !words) return `"${kind}" is no kind of event: ${kinds.join(', ')}`
  const lengths = OWNED.has(kind) || kind === '*' ? [3] : [1]
  if (words && lengths.includes(rest.length) && !rest.includes('>'))
    return `no event of kind ${kind} ends in "${rest.at(-1)}": ${Object.keys(words).join(', ')}`
  return `no event is like "${pattern}": they are KIND.WHAT of a master, allocator, agent or role, KIND.PRINCIPAL.FRAMEWORK.WHAT of a framework, offer or task, like 'task.*.*.failed'`
}

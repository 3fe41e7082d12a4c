/**
 * What a word is, and how a task counts.
 *
 * A word is a run of ASCII letters, in lower case. Text is bytes here, whatever they mean: a letter
 * with an accent ends a word as a space does. So everybody who counts comes to the same numbers.
 */

/** Word → how often. */
export type Counts = Map<string, number>

/**
 * `sh -c COUNT_SCRIPT NAME FOLDER [OFFSET BYTES PATH]…`: writes `count word` lines. Offsets begin
 * at 1. A file that cannot be read is named on stderr, and the task fails.
 *
 * This is Doug McIlroy's pipeline (Communications of the ACM, June 1986), on programs that every
 * Debian has.
 */
export const COUNT_SCRIPT = String.raw`
LC_ALL=C
export LC_ALL
exec 3>unread
cd -- "$1" || exit
shift
pieces() {
  while [ $# -gt 0 ]; do
    { tail -c "+$1" | head -c "$2"; } <"$3" || echo "$3" >&3
    echo
    shift 3
  done
}
pieces "$@" | tr -cs A-Za-z '\n' | tr A-Z a-z | sort | uniq -c
[ ! -s "$BOURSE_SANDBOX/unread" ]
`

const LINE = /^ *([1-9]\d*) ([a-z]+)$/
/** The file's first bytes are no letters, or it is all that it has none of: an empty word. */
const NO_WORD = /^ *1 $/

/** What a task wrote; undefined: no counting task has written that. */
export function parseCounts(output: string): Counts | undefined {
  if (output === '' || !output.endsWith('\n')) return undefined
  const counts: Counts = new Map()
  for (const line of output.slice(0, -1).split('\n')) {
    const [, count, word] = LINE.exec(line) ?? []
    if (word !== undefined) counts.set(word, Number(count))
    else if (!NO_WORD.test(line)) return undefined
  }
  return counts
}

export function addCounts(to: Counts, more: Counts): void {
  for (const [word, count] of more) to.set(word, (to.get(word) ?? 0) + count)
}

export function totalOf(counts: Counts): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}

/** The most frequent first; those of one count by the alphabet. */
export function topWords(counts: Counts, wanted: number): readonly (readonly [string, number])[] {
  return [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, wanted)
}

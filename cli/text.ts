/** Text from strangers, for a terminal: nothing in it may act, and it takes the width it says. */

/** What moves the cursor, colours, or turns the direction of writing. Tab and line end included. */
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
/** Two columns each. */
const WIDE =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u
/** No column of their own: marks without a letter, and what only formats. */
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
/** One column each character: quickly told, and nearly always so. */
const PLAIN = /^[\x20-\x7e…]*$/

const SEGMENTER = new Intl.Segmenter()

/** One line that does nothing but stand there. */
export const harmless = (text: string): string => text.replaceAll(ACTING, '\ufffd')

/** Columns that `text` takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  return graphemes(text).reduce((sum, grapheme) => sum + columnsOf(grapheme), 0)
}

/** At most `width` (>= 1) columns; what is cut off leaves `…`. */
export function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (PLAIN.test(text)) return `${text.slice(0, width - 1)}…`
  return `${takeWidth(graphemes(text), width - 1).join('')}…`
}

/** At most `width` (>= 3) columns, of begin and end alike; what is cut out leaves `…`. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  const [head, tail] = [Math.ceil((width - 1) / 2), Math.floor((width - 1) / 2)]
  if (PLAIN.test(text)) return `${text.slice(0, head)}…${text.slice(-tail)}`
  const all = graphemes(text)
  const end = takeWidth(all.toReversed(), tail).toReversed()
  return `${takeWidth(all, head).join('')}…${end.join('')}`
}

function takeWidth(all: readonly string[], width: number): string[] {
  let used = 0
  const end = all.findIndex((grapheme) => {
    used += columnsOf(grapheme)
    return used > width
  })
  return end < 0 ? [...all] : all.slice(0, end)
}

function columnsOf(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2
  return INVISIBLE.test(grapheme) ? 0 : 1
}

function graphemes(text: string): string[] {
  return Array.from(SEGMENTER.segment(text), ({ segment }) => segment)
}

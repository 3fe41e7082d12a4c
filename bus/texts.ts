/** Strings out of a payload: checked, and made once where they are short and come again. */

/** Of Node's buffers, but they take every `Uint8Array`. They copy: no string keeps its payload. */
interface Slices {
  latin1Slice(this: Uint8Array, from: number, end: number): string
  utf8Slice(this: Uint8Array, from: number, end: number): string
}
const slices = Buffer.prototype as unknown as Slices

/**
 * Names of fields, states, roles and the like are few, but make most of the strings of a message:
 * the last of each slot is kept. What comes newly takes its place, so a stranger with a thousand
 * words of his own makes others be read anew, and neither fills the table nor slows a look into it.
 * Runs and sessions, of 16 digits, stand in each message. Longer strings mostly come once.
 */
const WORDS = 4096
const WORD_LENGTH_MAX = 16
const words: string[] = Array.from({ length: WORDS }, () => '')

/** The string between two offsets, or the offset at which it stops being UTF-8. */
export function readText(bytes: Uint8Array, from: number, end: number): string | number {
  const slot = slotOf(bytes, from, end)
  if (slot === undefined) return readAnew(bytes, from, end)
  const known = words[slot] as string
  if (isAt(known, bytes, from, end)) return known
  const text = readAnew(bytes, from, end)
  // Only ASCII has as many characters as bytes.
  if (typeof text === 'string' && text.length === end - from) words[slot] = text
  return text
}

/** Looks at three bytes only: of two words that are alike in them, the later has the place. */
function slotOf(bytes: Uint8Array, from: number, end: number): number | undefined {
  const length = end - from
  if (length === 0) return 0
  if (length > WORD_LENGTH_MAX) return undefined
  const first = bytes[from] as number
  const middle = bytes[from + (length >> 1)] as number
  const last = bytes[end - 1] as number
  return (((length * 31 + first) * 31 + middle) * 31 + last) % WORDS
}

/** True if `text`, which is ASCII, stands between the offsets. */
function isAt(text: string, bytes: Uint8Array, from: number, end: number): boolean {
  if (text.length !== end - from) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false
  return true
}

function readAnew(bytes: Uint8Array, from: number, end: number): string | number {
  const asciiEnd = endOfAscii(bytes, from, end)
  if (asciiEnd === end) return slices.latin1Slice.call(bytes, from, end)
  return wrongUtf8(bytes, asciiEnd, end) ?? slices.utf8Slice.call(bytes, from, end)
}

function endOfAscii(bytes: Uint8Array, from: number, end: number): number {
  let offset = from
  while (offset < end && (bytes[offset] as number) < 0x80) offset++
  return offset
}

/** The offset of the first character that is none. */
function wrongUtf8(bytes: Uint8Array, from: number, end: number): number | undefined {
  let offset = from
  while (offset < end) {
    const width = widthOfCharacter(bytes, offset, end)
    if (width === 0) return offset
    offset += width
  }
  return undefined
}

/** How many bytes the character at `offset` has; none if it is none. */
function widthOfCharacter(bytes: Uint8Array, offset: number, end: number): number {
  const first = bytes[offset] as number
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const width = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (offset + width > end) return 0
  // Overlong forms, surrogates and what lies above U+10FFFF.
  const second = bytes[offset + 1] as number
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let i = 2; i < width; i++) if (((bytes[offset + i] as number) & 0xc0) !== 0x80) return 0
  return width
}

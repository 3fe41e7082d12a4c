/** What travels, as bytes: plain msgpack maps with string keys that any language reads. */
import assert from 'node:assert/strict'
// This entry is the one without native code: the same on every machine.
import { Packr } from 'msgpackr/pack'
import { type Refusal, refusal } from '../protocol/errors.ts'
import { MESSAGE_BYTES_MAX } from '../protocol/limits.ts'
import { readValue } from './reader.ts'
import { BINARY, INT64, KIND, REFUSED, readLength, STRING, UINT64, WIDTH } from './tokens.ts'

// A key named toJSON, in somebody's labels, must not be called.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false } as object)

export type Decoded =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * `value` as msgpack. Fields that are undefined are left out, integers stay integers up to 2^53,
 * `Uint8Array` becomes binary, what is no Unicode in a string becomes U+FFFD. `value` must be made
 * of plain objects, arrays, strings, numbers, booleans, null and `Uint8Array`, without circles.
 */
export function encode(value: unknown): Uint8Array {
  const bytes = packr.pack(value)
  // To look through the bytes is cheaper than through the value, and copies nothing.
  return mended(bytes) ? bytes : packr.pack(portable(value))
}

/**
 * Makes int64 of the floats into which the packer has put integers above 32 bits: both take nine
 * bytes. False: there is something else that must not travel as it was packed.
 */
function mended(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let surrogate = -1
  for (let at = 0; at < bytes.length; ) {
    const token = bytes[at] as number
    const kind = KIND[token] as number
    const from = at + 1 + (WIDTH[token] as number)
    at = kind === STRING || kind === BINARY ? from + readLength(bytes, at) : from
    if (token === FLOAT64) mendInteger(view, from - 8)
    else if (kind === STRING) {
      // Half a pair begins with this byte. So do Korean letters: those are looked at again.
      if (surrogate < from) surrogate = indexFrom(bytes, SURROGATE, from)
      if (surrogate < at) return false
    } else if (kind === REFUSED || kind === INT64 || kind === UINT64) return false
  }
  return true
}

const FLOAT64 = 0xcb
const SIGNED64 = 0xd3
const SURROGATE = 0xed

function mendInteger(view: DataView, at: number): void {
  const value = view.getFloat64(at)
  if (!Number.isSafeInteger(value)) return
  const high = Math.floor(value / 2 ** 32)
  view.setUint8(at - 1, SIGNED64)
  view.setInt32(at, high)
  view.setUint32(at + 4, value - high * 2 ** 32)
}

function indexFrom(bytes: Uint8Array, byte: number, from: number): number {
  const index = bytes.indexOf(byte, from)
  return index === -1 ? Number.POSITIVE_INFINITY : index
}

/**
 * The value in `bytes`, which come from a stranger; refuses what other languages would not read.
 */
export function decode(bytes: Uint8Array): Decoded {
  if (bytes.length > MESSAGE_BYTES_MAX)
    return refused('too-large', `${bytes.length} bytes are more than ${MESSAGE_BYTES_MAX}`)
  const read = readValue(bytes)
  if (typeof read === 'object' && read.end === bytes.length) return { ok: true, value: read.value }
  const problem = typeof read === 'string' ? read : `more than one value at byte ${read.end}`
  const what = isLikeJson(bytes) ? 'looks like JSON; msgpack is needed' : `has ${problem}`
  return refused('malformed', `the payload ${what}`)
}

/** `{` or `[` and more: as msgpack a small number, and something behind it. */
function isLikeJson(bytes: Uint8Array): boolean {
  return bytes.length > 1 && (bytes[0] === 0x7b || bytes[0] === 0x5b)
}

export type DecodedNext =
  | { readonly ok: true; readonly value: unknown; readonly bytes: number }
  | { readonly ok: false; readonly refusal: Refusal }

/** The first of several values that stand one after the other, and how many bytes it takes. */
export function decodeNext(bytes: Uint8Array): DecodedNext {
  const read = readValue(bytes)
  if (typeof read === 'string') return refused('malformed', `the payload has ${read}`)
  return { ok: true, value: read.value, bytes: read.end }
}

const refused = (
  name: 'malformed' | 'too-large',
  message: string,
): { readonly ok: false; readonly refusal: Refusal } => ({
  ok: false,
  refusal: refusal(name, message),
})

/** `value` itself where the packer writes it portably, else a copy with what it does. */
function portable(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      // The packer makes floats of integers that do not fit into 32 bits.
      return (value > 0xffffffff || value < -0x80000000) && Number.isSafeInteger(value)
        ? BigInt(value)
        : value
    case 'string':
      return wellFormed(value)
    case 'object':
      if (value === null || value instanceof Uint8Array) return value
      return Array.isArray(value) ? portableList(value) : portableMap(value as Fields)
    default:
      assert(typeof value === 'boolean', `a ${typeof value} cannot travel`)
      return value
  }
}

type Fields = Readonly<Record<string, unknown>>

function portableList(list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const value = portable(list[i])
    if (copy === undefined && value !== list[i]) copy = list.slice(0, i)
    copy?.push(value)
  }
  return copy ?? list
}

function portableMap(fields: Fields): Fields {
  let copy: Record<string, unknown> | undefined
  for (const key in fields) {
    const before = fields[key]
    const value = before === undefined ? undefined : portable(before)
    const isKept = value !== undefined && value === before && wellFormed(key) === key
    if (copy === undefined && !isKept) copy = fieldsBefore(fields, key)
    if (copy !== undefined && value !== undefined) copy[wellFormed(key)] = value
  }
  return copy ?? fields
}

function fieldsBefore(fields: Fields, end: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const key in fields) {
    if (key === end) break
    copy[key] = fields[key]
  }
  return copy
}

/** ES2024, in Node 20 but not in the library that we compile against. */
interface UnicodeString {
  isWellFormed(): boolean
  toWellFormed(): string
}

function wellFormed(text: string): string {
  const unicode = text as unknown as UnicodeString
  return unicode.isWellFormed() ? text : unicode.toWellFormed()
}

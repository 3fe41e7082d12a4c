/** What travels, as bytes: plain msgpack maps with string keys that any language reads. */
import assert from 'node:assert/strict'
// This entry is the one without native code: the same on every machine.
import { Packr, Unpackr } from 'msgpackr/pack'
import { type Refusal, refusal } from '../protocol/errors.ts'
import { MESSAGE_BYTES_MAX } from '../protocol/limits.ts'
import { scan, scanNext } from './scan.ts'

// A key named toJSON, in somebody's labels, must not be called.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false } as object)
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

export type Decoded =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * `value` as msgpack. Fields that are undefined are left out, integers stay integers up to 2^53,
 * `Uint8Array` becomes binary, what is no Unicode in a string becomes U+FFFD. `value` must be made
 * of plain objects, arrays, strings, numbers, booleans, null and `Uint8Array`, without circles.
 */
export function encode(value: unknown): Uint8Array {
  return packr.pack(portable(value))
}

/**
 * The value in `bytes`, which come from a stranger; refuses what other languages would not read.
 */
export function decode(bytes: Uint8Array, bytesMax = MESSAGE_BYTES_MAX): Decoded {
  if (bytes.length > bytesMax)
    return refused('too-large', `${bytes.length} bytes are more than ${bytesMax}`)
  const problem = scan(bytes)
  if (problem !== undefined) {
    const what = isLikeJson(bytes) ? 'looks like JSON; msgpack is needed' : `has ${problem}`
    return refused('malformed', `the payload ${what}`)
  }
  return { ok: true, value: unpackr.unpack(bytes) }
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
  const end = scanNext(bytes)
  if (typeof end === 'string') return refused('malformed', `the payload has ${end}`)
  return { ok: true, value: unpackr.unpack(bytes.subarray(0, end)), bytes: end }
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

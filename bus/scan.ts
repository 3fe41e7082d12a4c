/**
 * Looks through a payload before it is decoded: the decoder obeys extensions that a stranger sends
 * (records compiled into functions among them), so none may reach it.
 */
import { CONTAINERS_MAX, DEPTH_MAX } from '../protocol/limits.ts'

/**
 * Values still to come at each depth above, and whether they are alternately keys and values of a
 * map.
 */
const left = new Uint32Array(DEPTH_MAX + 1)
const ofMap = new Uint8Array(DEPTH_MAX + 1)
const PROTO = '__proto__'

/** What follows each first byte that is not self-contained. */
const NONE = 0
export const STRING = 1
export const BINARY = 2
const LIST = 3
const MAP = 4
export const INT64 = 5
export const UINT64 = 6
export const REFUSED = 7
/** By first byte: what it announces, and how many bytes of length or value follow it. */
export const KIND = new Uint8Array(256)
export const WIDTH = new Uint8Array(256)
const announce = (token: number, kind: number, width: number): void => {
  KIND[token] = kind
  WIDTH[token] = width
}
for (const [first, width] of [
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
] as const)
  announce(first, NONE, width)
announce(0xc1, REFUSED, 0)
for (let token = 0xc7; token <= 0xc9; token++) announce(token, REFUSED, 0)
for (let token = 0xd4; token <= 0xd8; token++) announce(token, REFUSED, 0)
for (const [power, width] of [1, 2, 4].entries()) {
  announce(0xc4 + power, BINARY, width)
  announce(0xd9 + power, STRING, width)
}
for (const [power, width] of [2, 4].entries()) {
  announce(0xdc + power, LIST, width)
  announce(0xde + power, MAP, width)
}
announce(0xcf, UINT64, 8)
announce(0xd3, INT64, 8)
for (let token = 0x80; token < 0x90; token++) announce(token, MAP, 0)
for (let token = 0x90; token < 0xa0; token++) announce(token, LIST, 0)
for (let token = 0xa0; token < 0xc0; token++) announce(token, STRING, 0)

/** Thrown and caught here only. */
class Malformed {
  readonly problem: string
  constructor(what: string, offset: number) {
    this.problem = `${what} at byte ${offset}`
  }
}

/**
 * Says what is wrong with `bytes` and at which offset, or nothing. Good is exactly one value
 * without extension types, at most DEPTH_MAX deep, of at most CONTAINERS_MAX lists and maps; its
 * lengths add up and nothing follows; strings are UTF-8, the keys of maps are strings and none is
 * `__proto__`, integers are exact as a double.
 */
export function scan(bytes: Uint8Array): string | undefined {
  const end = scanNext(bytes)
  if (typeof end === 'string') return end
  return end < bytes.length ? `more than one value at byte ${end}` : undefined
}

/**
 * Where the first value of `bytes` ends, or what is wrong with it: as `scan`, but more may follow.
 */
export function scanNext(bytes: Uint8Array): number | string {
  try {
    return endOfValue(bytes)
  } catch (error) {
    if (error instanceof Malformed) return error.problem
    throw error
  }
}

/** Without recursion: a hostile depth costs no stack. */
function endOfValue(bytes: Uint8Array): number {
  let offset = 0
  let depth = 0
  let containers = 0
  let toCome = 1
  let isMap = 0
  while (true) {
    while (toCome === 0) {
      if (depth === 0) return offset
      depth--
      toCome = left[depth] as number
      isMap = ofMap[depth] as number
    }
    const isKey = (isMap & ~toCome & 1) === 1
    toCome--
    const start = offset
    if (start >= bytes.length) throw new Malformed('an early end', start)
    const token = bytes[start] as number
    const kind = KIND[token] as number
    const head = start + 1 + (WIDTH[token] as number)
    if (isKey) requireKey(start, kind)
    if (head > bytes.length) throw new Malformed(TRUNCATED, start)
    if (kind === LIST || kind === MAP) {
      if (depth === DEPTH_MAX) throw new Malformed(`more than ${DEPTH_MAX} levels`, start)
      if (++containers > CONTAINERS_MAX)
        throw new Malformed(`more than ${CONTAINERS_MAX} lists and maps`, start)
      const values = readLength(bytes, start) * (kind === MAP ? 2 : 1)
      if (values > bytes.length - head) throw new Malformed(TRUNCATED, start)
      left[depth] = toCome
      ofMap[depth] = isMap
      depth++
      toCome = values
      isMap = kind === MAP ? 1 : 0
      offset = head
    } else {
      offset = kind === NONE ? head : endOfLeaf(bytes, start, kind, head)
    }
    if (isKey && offset - head === PROTO.length && isProto(bytes, offset))
      throw new Malformed(`the key ${PROTO}`, start)
  }
}

const TRUNCATED = 'more announced than there is'

function requireKey(start: number, kind: number): void {
  if (kind === STRING) return
  const binary = kind === BINARY ? ' (a binary one: pack texts as str)' : ''
  throw new Malformed(`a key that is not a string${binary}`, start)
}

/** `head`: where the first byte and the length or value that belongs to it end. */
function endOfLeaf(bytes: Uint8Array, start: number, kind: number, head: number): number {
  if (kind === STRING || kind === BINARY) {
    const end = head + readLength(bytes, start)
    if (end > bytes.length) throw new Malformed(TRUNCATED, start)
    if (kind === STRING) checkText(bytes, head, end)
    return end
  }
  if (kind === REFUSED) throw new Malformed('an extension type', start)
  if (!isExact(bytes, start + 1, kind)) throw new Malformed('an integer beyond 2^53', start)
  return head
}

/** The length that the first byte at `start` announces, within it or big-endian after it. */
export function readLength(bytes: Uint8Array, start: number): number {
  const token = bytes[start] as number
  const width = WIDTH[token] as number
  if (width === 0) return token & (token < 0xa0 ? 0x0f : 0x1f)
  let length = 0
  for (let i = 1; i <= width; i++) length = length * 256 + (bytes[start + i] as number)
  return length
}

function isExact(bytes: Uint8Array, offset: number, kind: number): boolean {
  const high = int32At(bytes, offset)
  const low = int32At(bytes, offset + 4) >>> 0
  return Number.isSafeInteger((kind === INT64 ? high : high >>> 0) * 2 ** 32 + low)
}

function int32At(bytes: Uint8Array, offset: number): number {
  let value = 0
  for (let i = 0; i < 4; i++) value = (value << 8) | (bytes[offset + i] as number)
  return value
}

/** True if a string of its length that ends at `end` is it. */
function isProto(bytes: Uint8Array, end: number): boolean {
  for (let i = 1; i <= PROTO.length; i++)
    if (bytes[end - i] !== PROTO.charCodeAt(PROTO.length - i)) return false
  return true
}

function checkText(bytes: Uint8Array, from: number, end: number): void {
  let offset = from
  while (offset < end)
    if ((bytes[offset] as number) < 0x80) offset++
    else offset = endOfCharacter(bytes, offset, end)
}

function endOfCharacter(bytes: Uint8Array, offset: number, end: number): number {
  const first = bytes[offset] as number
  const width = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  // Overlong forms, surrogates and what lies above U+10FFFF.
  const second = bytes[offset + 1] as number
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  let isGood = width > 0 && offset + width <= end && second >= low && second <= high
  for (let i = 2; i < width; i++) isGood &&= ((bytes[offset + i] as number) & 0xc0) === 0x80
  if (!isGood) throw new Malformed('a string that is not UTF-8', offset)
  return offset + width
}

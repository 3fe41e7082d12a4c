/**
 * Looks through a payload before it is decoded: the decoder obeys extensions that a stranger sends
 * (records compiled into functions among them), so none may reach it.
 */
import { CONTAINERS_MAX, DEPTH_MAX } from '../protocol/limits.ts'

/**
 * Values still to come at each depth, and whether they are alternately keys and values of a map.
 */
const left = new Float64Array(DEPTH_MAX + 1)
const ofMap = new Uint8Array(DEPTH_MAX + 1)
const PROTO = '__proto__'

/** What follows each first byte that is not self-contained. */
const NONE = 0
const STRING = 1
const BINARY = 2
const LIST = 3
const MAP = 4
const INT64 = 5
const UINT64 = 6
const REFUSED = 7
/** By first byte: what it announces, and how many bytes of length or value follow it. */
const KIND = new Uint8Array(256)
const WIDTH = new Uint8Array(256)
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
  left[0] = 1
  ofMap[0] = 0
  while (true) {
    while (left[depth] === 0) {
      if (depth === 0) return offset
      depth--
    }
    const isKey = ofMap[depth] === 1 && (left[depth] as number) % 2 === 0
    left[depth] = (left[depth] as number) - 1
    const start = offset
    const kind = kindAt(bytes, start)
    if (isKey) {
      offset = endOfKey(bytes, start, kind)
    } else if (kind === LIST || kind === MAP) {
      if (depth === DEPTH_MAX) throw new Malformed(`more than ${DEPTH_MAX} levels`, start)
      if (++containers > CONTAINERS_MAX)
        throw new Malformed(`more than ${CONTAINERS_MAX} lists and maps`, start)
      offset = endOfHead(bytes, start)
      depth++
      left[depth] = readLength(bytes, start) * (kind === MAP ? 2 : 1)
      ofMap[depth] = kind === MAP ? 1 : 0
      if ((left[depth] as number) > bytes.length - offset) throw new Malformed(TRUNCATED, start)
    } else {
      offset = endOfLeaf(bytes, start, kind)
    }
  }
}

const TRUNCATED = 'more announced than there is'

function kindAt(bytes: Uint8Array, start: number): number {
  if (start >= bytes.length) throw new Malformed('an early end', start)
  return KIND[bytes[start] as number] as number
}

/** The offset after a first byte and the length or value that belongs to it. */
function endOfHead(bytes: Uint8Array, start: number): number {
  const offset = start + 1 + (WIDTH[bytes[start] as number] as number)
  if (offset > bytes.length) throw new Malformed(TRUNCATED, start)
  return offset
}

function endOfKey(bytes: Uint8Array, start: number, kind: number): number {
  if (kind !== STRING) {
    const binary = kind === BINARY ? ' (a binary one: pack texts as str)' : ''
    throw new Malformed(`a key that is not a string${binary}`, start)
  }
  const end = endOfLeaf(bytes, start, kind)
  if (readLength(bytes, start) === PROTO.length && isProto(bytes, end))
    throw new Malformed(`the key ${PROTO}`, start)
  return end
}

function endOfLeaf(bytes: Uint8Array, start: number, kind: number): number {
  const head = endOfHead(bytes, start)
  if (kind === NONE) return head
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
function readLength(bytes: Uint8Array, start: number): number {
  const token = bytes[start] as number
  const width = WIDTH[token] as number
  if (width === 0) return token & (token < 0xa0 ? 0x0f : 0x1f)
  let length = 0
  for (let i = 1; i <= width; i++) length = length * 256 + (bytes[start + i] as number)
  return length
}

function isExact(bytes: Uint8Array, offset: number, kind: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8)
  const high = kind === INT64 ? view.getInt32(0) : view.getUint32(0)
  return Number.isSafeInteger(high * 2 ** 32 + view.getUint32(4))
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

/**
 * Looks through a payload before it is decoded: the decoder obeys extensions that a stranger sends
 * (records compiled into functions among them), so none may reach it.
 */
import { DEPTH_MAX } from '../protocol/limits.ts'

/** Values still to come at each depth, and whether they are alternately keys and values of a map. */
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

const at = (what: string, offset: number): string => `${what} at byte ${offset}`

/**
 * Says what is wrong with `bytes` and at which offset, or nothing. Good is exactly one value without
 * extension types, at most DEPTH_MAX deep, its lengths add up and nothing follows; strings are UTF-8,
 * the keys of maps are strings and none is `__proto__`, integers are exact as a double.
 */
export function scan(bytes: Uint8Array): string | undefined {
  const end = bytes.length
  let offset = 0
  let depth = 0
  left[0] = 1
  ofMap[0] = 0
  while (true) {
    while (left[depth] === 0) {
      if (depth === 0) return offset < end ? at('more than one value', offset) : undefined
      depth--
    }
    const start = offset
    if (start >= end) return at('it ends too early', start)
    const isKey = ofMap[depth] === 1 && (left[depth] as number) % 2 === 0
    left[depth] = (left[depth] as number) - 1
    const token = bytes[start] as number
    const kind = KIND[token] as number
    const width = WIDTH[token] as number
    offset = start + 1 + width
    if (offset > end) return at('it ends too early', start)
    if (isKey && kind !== STRING) return at('a key that is not a string', start)
    if (kind === NONE) continue
    if (kind === REFUSED) return at('an extension type', start)
    if (kind >= INT64) {
      if (!isExact(bytes, start + 1, kind)) return at('an integer beyond 2^53', start)
      continue
    }
    const length = width === 0 ? token & (kind === STRING ? 31 : 15) : readLength(bytes, start + 1)
    if (kind <= BINARY) {
      offset += length
      if (offset > end) return at('it ends too early', start)
      if (kind === BINARY) continue
      const problem = scanString(bytes, offset - length, offset)
      if (problem >= 0) return at('a string that is not UTF-8', problem)
      if (isKey && isProto(bytes, offset - length, length)) return at(`the key ${PROTO}`, start)
      continue
    }
    if (depth === DEPTH_MAX) return at(`more than ${DEPTH_MAX} levels`, start)
    const values = kind === MAP ? 2 * length : length
    if (values > end - offset) return at('it ends too early', start)
    depth++
    left[depth] = values
    ofMap[depth] = kind === MAP ? 1 : 0
  }
}

/** The big-endian number after a first byte; how wide it is follows from that first byte. */
function readLength(bytes: Uint8Array, offset: number): number {
  let value = 0
  const width = WIDTH[bytes[offset - 1] as number] as number
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[offset + i] as number)
  return value
}

function isExact(bytes: Uint8Array, offset: number, kind: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8)
  const high = kind === INT64 ? view.getInt32(0) : view.getUint32(0)
  return Number.isSafeInteger(high * 2 ** 32 + view.getUint32(4))
}

function isProto(bytes: Uint8Array, offset: number, length: number): boolean {
  if (length !== PROTO.length || bytes[offset] !== 0x5f) return false
  for (let i = 1; i < length; i++) if (bytes[offset + i] !== PROTO.charCodeAt(i)) return false
  return true
}

/** The offset of the first byte that is not UTF-8, or -1. */
function scanString(bytes: Uint8Array, from: number, end: number): number {
  let offset = from
  while (offset < end) {
    const first = bytes[offset] as number
    if (first < 0x80) {
      offset++
      continue
    }
    const width = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
    if (width === 0 || offset + width > end) return offset
    const second = bytes[offset + 1] as number
    // Overlong forms, surrogates and what lies above U+10FFFF.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return offset
    for (let i = 2; i < width; i++)
      if (((bytes[offset + i] as number) & 0xc0) !== 0x80) return offset
    offset += width
  }
  return -1
}

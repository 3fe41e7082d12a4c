/** The first bytes of msgpack: what each announces. */

/** What follows a first byte that is not self-contained. */
export const SCALAR = 0
export const STRING = 1
export const BINARY = 2
export const LIST = 3
export const MAP = 4
export const INT64 = 5
export const UINT64 = 6
/** Extension types, which programs obey, and the byte that means nothing. */
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
  announce(first, SCALAR, width)
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

/** The length that the first byte at `start` announces, within it or big-endian after it. */
export function readLength(bytes: Uint8Array, start: number): number {
  const token = bytes[start] as number
  const width = WIDTH[token] as number
  return width === 0 ? token & (token < 0xa0 ? 0x0f : 0x1f) : readNatural(bytes, start + 1, width)
}

/** `width` bytes, at most six, as a big-endian natural number. */
export function readNatural(bytes: Uint8Array, from: number, width: number): number {
  let value = 0
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[from + i] as number)
  return value
}

/**
 * Reads msgpack that a stranger has sent. What a program might obey instead of read (extension
 * types, records among them) has no code here.
 */
import { CONTAINERS_MAX, DEPTH_MAX } from '../protocol/limits.ts'
import { readText } from './texts.ts'
import {
  BINARY,
  KIND,
  LIST,
  MAP,
  REFUSED,
  readLength,
  readNatural,
  STRING,
  WIDTH,
} from './tokens.ts'

export interface ReadValue {
  readonly value: unknown
  /** Where the next value would begin. */
  readonly end: number
}

/**
 * The first value in `bytes`, or what is wrong with it and at which offset. Good is a value without
 * extension types, at most DEPTH_MAX deep, of at most CONTAINERS_MAX lists and maps; its lengths
 * add up; strings are UTF-8, the keys of maps are strings and none is `__proto__`, integers are
 * exact as a double. Binary is a view of `bytes`.
 */
export function readValue(bytes: Uint8Array): ReadValue | string {
  const reader = new Reader(bytes)
  try {
    const value = reader.value()
    return { value, end: reader.end }
  } catch (error) {
    if (error instanceof Malformed) return error.problem
    throw error
  }
}

/** Thrown and caught in this file only. */
class Malformed {
  readonly problem: string
  constructor(what: string, offset: number) {
    this.problem = `${what} at byte ${offset}`
  }
}

const TRUNCATED = 'more announced than there is'
const PROTO = '__proto__'
/** Longer lists grow as their values come: who announces many and sends none gets no memory. */
const LIST_LENGTH_TRUSTED = 1024

class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #depth = 0
  #containers = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get end(): number {
    return this.#at
  }

  /** @throws {Malformed} */
  value(): unknown {
    const start = this.#at
    if (start >= this.#bytes.length) throw new Malformed('an early end', start)
    const token = this.#bytes[start] as number
    if (token < 0x80) {
      this.#at = start + 1
      return token
    }
    switch (KIND[token]) {
      case STRING:
        return this.#text(start)
      case MAP:
        return this.#map(start)
      case LIST:
        return this.#list(start)
      case BINARY:
        return this.#bytes.subarray(this.#body(start), this.#at)
      case REFUSED:
        throw new Malformed('an extension type', start)
      default:
        return this.#scalar(start, token)
    }
  }

  #map(start: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    for (let left = this.#enter(start, 2); left > 0; left--) {
      const key = this.#key()
      fields[key] = this.value()
    }
    this.#depth--
    return fields
  }

  #list(start: number): unknown[] {
    const length = this.#enter(start, 1)
    const list: unknown[] = length <= LIST_LENGTH_TRUSTED ? Array(length) : []
    for (let i = 0; i < length; i++) list[i] = this.value()
    this.#depth--
    return list
  }

  /** Into a list or map; says of how many items, which take `bytesEach` bytes or more. */
  #enter(start: number, bytesEach: number): number {
    const length = this.#length(start)
    if (this.#depth === DEPTH_MAX) throw new Malformed(`more than ${DEPTH_MAX} levels`, start)
    if (++this.#containers > CONTAINERS_MAX)
      throw new Malformed(`more than ${CONTAINERS_MAX} lists and maps`, start)
    if (length * bytesEach > this.#bytes.length - this.#at) throw new Malformed(TRUNCATED, start)
    this.#depth++
    return length
  }

  #key(): string {
    const start = this.#at
    if (start >= this.#bytes.length) throw new Malformed('an early end', start)
    const kind = KIND[this.#bytes[start] as number]
    if (kind !== STRING) {
      const binary = kind === BINARY ? ' (a binary one: pack texts as str)' : ''
      throw new Malformed(`a key that is not a string${binary}`, start)
    }
    const key = this.#text(start)
    if (key === PROTO) throw new Malformed(`the key ${PROTO}`, start)
    return key
  }

  #text(start: number): string {
    const text = readText(this.#bytes, this.#body(start), this.#at)
    if (typeof text === 'number') throw new Malformed('a string that is not UTF-8', text)
    return text
  }

  /** Where the string or binary that is announced at `start` begins; steps behind it. */
  #body(start: number): number {
    const length = this.#length(start)
    const from = this.#at
    if (length > this.#bytes.length - from) throw new Malformed(TRUNCATED, start)
    this.#at = from + length
    return from
  }

  /** The length announced at `start`; steps behind it. */
  #length(start: number): number {
    this.#step(start)
    return readLength(this.#bytes, start)
  }

  /** Behind the first byte at `start` and the bytes that belong to it. */
  #step(start: number): void {
    this.#at = start + 1 + (WIDTH[this.#bytes[start] as number] as number)
    if (this.#at > this.#bytes.length) throw new Malformed(TRUNCATED, start)
  }

  #scalar(start: number, token: number): unknown {
    this.#step(start)
    const bytes = this.#bytes
    const from = start + 1
    switch (token) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xca:
        return view(bytes, from, 4).getFloat32(0)
      case 0xcb:
        return view(bytes, from, 8).getFloat64(0)
      case 0xcc:
      case 0xcd:
      case 0xce:
        return readNatural(bytes, from, this.#at - from)
      case 0xd0:
        return ((bytes[from] as number) << 24) >> 24
      case 0xd1:
        return (readNatural(bytes, from, 2) << 16) >> 16
      case 0xd2:
        return readNatural(bytes, from, 4) | 0
      case 0xcf:
        return exact(start, readNatural(bytes, from, 4), readNatural(bytes, from + 4, 4))
      case 0xd3:
        return exact(start, readNatural(bytes, from, 4) | 0, readNatural(bytes, from + 4, 4))
      default:
        return token - 0x100
    }
  }
}

function exact(start: number, high: number, low: number): number {
  const value = high * 2 ** 32 + low
  if (!Number.isSafeInteger(value)) throw new Malformed('an integer beyond 2^53', start)
  return value
}

const scratch = new Uint8Array(8)
const scratchView = new DataView(scratch.buffer)

function view(bytes: Uint8Array, from: number, width: number): DataView {
  for (let i = 0; i < width; i++) scratch[i] = bytes[from + i] as number
  return scratchView
}

/** One message, handed to many in this process: it is decoded and checked once for all of them. */
import type { MessageName } from '../../protocol/schema/messages.ts'
import type { Reading } from '../bus.ts'

/** What many hear. Of the rest each decodes its own, and may change it. */
const SHARED: ReadonlySet<string> = new Set<MessageName>([
  'AllocatorFigures',
  'LeaderBeat',
  'PeerBeat',
])

export class SharedReading implements Reading {
  /** Whoever changes a body that others are handed too, is found: it costs time. */
  static freezes = false
  #name: string | undefined
  #body: unknown

  as(name: string): unknown {
    return name === this.#name ? this.#body : undefined
  }

  keep(name: string, body: unknown): void {
    if (!SHARED.has(name)) return
    if (SharedReading.freezes) freeze(body)
    this.#name = name
    this.#body = body
  }
}

function freeze(value: unknown): void {
  // What is binary cannot be frozen.
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  Object.freeze(value)
  for (const one of Object.values(value)) freeze(one)
}

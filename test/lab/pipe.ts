/** One direction of one connection through a proxy. */
import type { Socket } from 'node:net'
import { systemClock, type Timer } from '../../bus/clock.ts'
import { type Frame, FrameReader } from './frames.ts'

/** How a proxy treats one direction at this moment. */
export interface Treatment {
  isCut: boolean
  /** The next message is cut in its middle, and the connection with it. */
  isCutMidFrame: boolean
  delayMs: number
  jitterMs: number
  dropPart: number
  duplicatePart: number
}

export interface Counts {
  passed: number
  dropped: number
  repeated: number
}

export interface PipeDeps {
  readonly from: Socket
  readonly to: Socket
  readonly treatment: Treatment
  readonly counts: Counts
  readonly random: () => number
}

/** More than this waiting for a slow receiver: nothing more is read until it has read. */
const WAITING_BYTES_MAX = 1 << 20

export class Pipe {
  /** What the connection itself needs was swallowed: it is of no use any more. */
  isBroken = false
  readonly #deps: PipeDeps
  readonly #reader = new FrameReader()
  readonly #waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = []
  #lastDueMs = 0
  #timer: Timer | undefined

  constructor(deps: PipeDeps) {
    this.#deps = deps
    const { from, to } = deps
    from.on('data', (chunk) => {
      for (const frame of this.#reader.push(chunk)) this.#pass(frame)
      if (to.writableLength > WAITING_BYTES_MAX) from.pause()
    })
    to.on('drain', () => void from.resume())
  }

  close(): void {
    this.#timer?.cancel()
    this.#waiting.length = 0
  }

  #pass({ bytes, isMessage }: Frame): void {
    const { treatment, counts, random, from, to } = this.#deps
    if (treatment.isCut) {
      if (!isMessage) this.isBroken = true
      counts.dropped += 1
      return
    }
    if (!isMessage) return this.#send(bytes)
    if (treatment.isCutMidFrame) {
      treatment.isCutMidFrame = false
      to.end(bytes.subarray(0, Math.ceil(bytes.length / 2)))
      from.destroy()
      return
    }
    if (treatment.dropPart > 0 && random() < treatment.dropPart) {
      counts.dropped += 1
      return
    }
    counts.passed += 1
    this.#send(bytes)
    if (treatment.duplicatePart > 0 && random() < treatment.duplicatePart) {
      counts.repeated += 1
      this.#send(bytes)
    }
  }

  /** Now or later, but never before what was sent earlier. */
  #send(bytes: Buffer): void {
    const { delayMs, jitterMs } = this.#deps.treatment
    const isLate = delayMs > 0 || jitterMs > 0 || this.#waiting.length > 0
    if (!isLate) return this.#write(bytes)
    const nowMs = systemClock.now().monotonicMs
    const dueMs = Math.max(this.#lastDueMs, nowMs + delayMs + this.#deps.random() * jitterMs)
    this.#lastDueMs = dueMs
    this.#waiting.push({ bytes, dueMs })
    if (this.#waiting.length === 1) this.#wait(dueMs - nowMs)
  }

  #wait(ms: number): void {
    this.#timer = systemClock.after(ms, () => {
      const nowMs = systemClock.now().monotonicMs
      // A timer may be early by a part of a millisecond.
      while (this.#waiting[0] !== undefined && this.#waiting[0].dueMs <= nowMs + 1)
        this.#write(this.#waiting.shift()?.bytes as Buffer)
      const next = this.#waiting[0]
      if (next !== undefined) this.#wait(next.dueMs - nowMs)
    })
  }

  #write(bytes: Buffer): void {
    if (this.#deps.to.writable) this.#deps.to.write(bytes)
  }
}

/** Virtual time: it stands still while something runs and jumps to the next thing that is due. */
import assert from 'node:assert/strict'
import type { Now } from '../../protocol/now.ts'
import { type Clock, systemClock, type Timer } from '../clock.ts'
import { EventQueue } from './queue.ts'

/** Wall time at the start of each simulation, so that runs are alike. */
const WALL_START_MS = Date.UTC(2026, 0, 1)

/**
 * The clock of a whole simulation. Things run in order of their time, and of two at one time the
 * one that was asked for first.
 */
export class SimulatedClock implements Clock {
  readonly #queue = new EventQueue()
  #now: Now = { monotonicMs: 0, wallMs: WALL_START_MS }
  #hasSettled = false

  now(): Now {
    return this.#now
  }

  after(delayMs: number, fn: () => void): Timer {
    const event = this.#queue.add(this.#now.monotonicMs + Math.max(0, delayMs), fn)
    return {
      cancel() {
        event.run = undefined
      },
    }
  }

  /** As `after`, for who never cancels. */
  at(monotonicMs: number, fn: () => void): void {
    this.#queue.add(Math.max(this.#now.monotonicMs, monotonicMs), fn)
  }

  soon(fn: () => void): void {
    this.#queue.add(this.#now.monotonicMs, fn)
  }

  /** Something that runs now settles a promise: who waits for it goes on before the next thing. */
  settles(): void {
    this.#hasSettled = true
  }

  /** Runs the next thing; false if there is none. After it, wait for `settled`. */
  step(): boolean {
    const event = this.#queue.take()
    if (event === undefined) return false
    if (event.run !== undefined) {
      this.#jump(event.atMs)
      event.run()
    }
    return true
  }

  /** What promises that were settled set off; undefined when none was: waiting costs time. */
  settled(): Promise<void> | undefined {
    if (!this.#hasSettled) return undefined
    this.#hasSettled = false
    return new Promise((resolve) => systemClock.soon(resolve))
  }

  /** Runs all that is due up to and at `monotonicMs`, which is then the time. */
  async runUntil(monotonicMs: number): Promise<void> {
    await this.#settleAll()
    while ((this.#queue.next?.atMs ?? Number.POSITIVE_INFINITY) <= monotonicMs) {
      this.step()
      if (this.#hasSettled) await this.#settleAll()
    }
    this.#jump(monotonicMs)
  }

  /**
   * Runs until `promise` is settled, at most `limitMs` of virtual time, and gives what it gives.
   */
  async runFor<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isSettled = false
    const settled = (): void => {
      isSettled = true
    }
    promise.then(settled, settled)
    const endMs = this.#now.monotonicMs + limitMs
    this.settles()
    await this.#settleAll()
    while (!isSettled) {
      const next = this.#queue.next
      assert(next !== undefined && next.atMs <= endMs, `nothing settled it within ${limitMs} ms`)
      this.step()
      // What a timer has settled may be all that there is to go on with.
      if (this.#queue.next === undefined) this.settles()
      await this.#settleAll()
    }
    return promise
  }

  async #settleAll(): Promise<void> {
    for (let settled = this.settled(); settled !== undefined; settled = this.settled())
      await settled
  }

  #jump(monotonicMs: number): void {
    if (monotonicMs > this.#now.monotonicMs)
      this.#now = { monotonicMs, wallMs: WALL_START_MS + Math.floor(monotonicMs) }
  }
}

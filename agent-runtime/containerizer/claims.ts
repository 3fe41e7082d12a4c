/**
 * Launches that nobody is about to start any more. A recording parent that ended before it wrote
 * anything, as on a full disk, leaves an empty record that is nobody's standard error.
 */
import type { Clock, Timer } from '../../bus/clock.ts'
import { standardErrors } from '../isolator/proc.ts'
import { LAUNCHER } from './runtime-directory.ts'

/** Whoever has just made its record has it as its standard error by then. */
const AGAIN_MS = 1_000

/** What is asked of a container. */
export interface Claimable {
  /** Which file its record is, if it has one and has not started. */
  readonly claimId: string | undefined
  giveUp(): void
}

export class Claims {
  readonly #clock: Clock
  readonly #containers: () => Iterable<Claimable>
  readonly #standardErrors: () => ReadonlySet<string>
  /** Of the second look. */
  #timer: Timer | undefined

  constructor(
    clock: Clock,
    containers: () => Iterable<Claimable>,
    errors: () => ReadonlySet<string> = () => standardErrors(LAUNCHER),
  ) {
    this.#clock = clock
    this.#containers = containers
    this.#standardErrors = errors
  }

  /** What a second look finds abandoned, too, is given up. */
  look(): void {
    if (this.#timer === undefined) this.#look(new Map())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(before: ReadonlyMap<Claimable, string>): void {
    const found = this.#abandoned()
    for (const [container, claimId] of found)
      if (before.get(container) === claimId) container.giveUp()
    this.#timer =
      found.size === 0 ? undefined : this.#clock.after(AGAIN_MS, () => this.#look(found))
  }

  #abandoned(): ReadonlyMap<Claimable, string> {
    const found = new Map<Claimable, string>()
    try {
      // Records come before processes: whoever claims between is not judged.
      for (const container of this.#containers()) {
        const { claimId } = container
        if (claimId !== undefined) found.set(container, claimId)
      }
      const open = found.size === 0 ? new Set() : this.#standardErrors()
      for (const [container, claimId] of found) if (open.has(claimId)) found.delete(container)
      return found
    } catch {
      // Not all recording parents can be looked at now: nobody is judged. Who waits too long is
      // given up all the same, only later.
      return new Map()
    }
  }
}

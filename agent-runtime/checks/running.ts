/** The checks that run on one machine. */
import type { Clock } from '../../bus/clock.ts'
import type { CheckRun, CheckSeen } from '../containerizer/containerizer.ts'
import { type Attempt, runTimed } from './attempt.ts'
import { type CheckPlace, runCommand } from './command.ts'
import { askInside } from './entered.ts'
import { askHttp, askTcp } from './network.ts'
import { Places } from './places.ts'

/** Of a container that was found again and is not seen yet. */
export const NO_PLACE: CheckSeen = { unmade: 'where its task runs is not known yet' }

type Tell = (seen: CheckSeen) => void
/** Begins one run; `Place` is where the container is, in the words of its containerizer. */
export type BeginCheck<Place> = (run: CheckRun, place: Place, tell: Tell) => Attempt

/** Of a container that is processes of this machine. */
export const beginHere =
  (clock: Clock): BeginCheck<CheckPlace> =>
  (run, place, tell) => {
    const { probe } = run
    const isApart = place.inside.includes('network')
    if (isApart && !('command' in probe)) return askInside(place, probe, tell)
    if ('http' in probe) return askHttp(probe.http, tell)
    if ('tcp' in probe) return askTcp(probe.tcp, tell)
    return runCommand({ run, command: probe.command, place, clock }, tell)
  }

export class RunningChecks<Place = CheckPlace> {
  readonly #clock: Clock
  readonly #begin: BeginCheck<Place>
  readonly #places: Places
  /** By container, then by which of its checks. */
  readonly #running = new Map<string, Map<CheckRun['which'], { stop(): void }>>()

  constructor(clock: Clock, begin: BeginCheck<Place>) {
    this.#clock = clock
    this.#begin = begin
    this.#places = new Places(clock)
  }

  /**
   * As soon as there is a place for it. What it sees is told once, never from inside the call,
   * unless it is stopped before.
   */
  run(run: CheckRun, place: Place, tell: Tell): void {
    const { containerId, which } = run
    const ofContainer =
      this.#running.get(containerId) ?? new Map<CheckRun['which'], { stop(): void }>()
    this.#running.set(containerId, ofContainer)
    // One that is asked for again takes the place of the first.
    ofContainer.get(which)?.stop()
    let timed: { stop(): void } | undefined
    const turn = this.#places.wait(() => {
      timed = runTimed({
        clock: this.#clock,
        timeoutMs: run.timeoutMs,
        begin: (seen) => this.#begin(run, place, seen),
        tell: (seen) => {
          turn.end()
          if (ofContainer.get(which) === running) ofContainer.delete(which)
          if (ofContainer.size === 0) this.#running.delete(containerId)
          tell(seen)
        },
      })
    })
    const running = {
      stop: () => {
        timed?.stop()
        turn.end()
      },
    }
    ofContainer.set(which, running)
  }

  /** Its container has ended. */
  stop(containerId: string): void {
    const ofContainer = this.#running.get(containerId)
    this.#running.delete(containerId)
    for (const running of ofContainer?.values() ?? []) running.stop()
  }

  stopAll(): void {
    for (const containerId of this.#running.keys()) this.stop(containerId)
  }
}

/** When a command that runs on is to end. */
import { isatty } from 'node:tty'
import { type Clock, systemClock } from '../bus/clock.ts'
import { EXIT } from './exit-code.ts'

/**
 * SIGTERM, Ctrl-C, a terminal that was closed; the death of the `bourse dev` that started it;
 * nobody reads any more what it prints.
 */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'owner-gone' | 'reader-gone'

/**
 * What a person or a supervisor says again when it takes too long. All others come as they like.
 */
const IMPATIENT: ReadonlySet<StopSignal> = new Set(['SIGTERM', 'SIGINT'])
/** The terminal and `npm` both pass one Ctrl-C on. */
const SAME_MS = 100

const listening = new Set<() => void>()

/**
 * Calls `handle` at the first of them, and at each SIGTERM or Ctrl-C that follows, with how often
 * it was called: from the second time on nobody wants to wait. Gives what puts things as they were.
 *
 * Without a terminal SIGHUP means nothing: Node undoes what `nohup` did.
 */
export function onStopSignal(
  handle: (signal: StopSignal, count: number) => void,
  clock: Clock = systemClock,
): () => void {
  let count = 0
  let handledMs = Number.NEGATIVE_INFINITY
  const come = (signal: StopSignal): void => {
    const { monotonicMs } = clock.now()
    const isAgain = IMPATIENT.has(signal) && monotonicMs - handledMs >= SAME_MS
    if (count > 0 && !isAgain) return
    count += 1
    handledMs = monotonicMs
    handle(signal, count)
  }
  const hasTerminal = [0, 1, 2].some((fd) => isatty(fd))
  const listeners = (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map((signal) => {
    const listener = (): void => {
      if (signal !== 'SIGHUP' || hasTerminal) come(signal)
    }
    process.on(signal, listener)
    return () => void process.off(signal, listener)
  })
  // Whoever starts us with a channel holds its other end as long as it lives.
  const ownerGone = (): void => come('owner-gone')
  const readerGone = (): void => come('reader-gone')
  process.on('disconnect', ownerGone)
  listening.add(readerGone)
  // It may have died before anybody listened.
  if (process.connected === false) ownerGone()
  return () => {
    for (const remove of listeners) remove()
    process.off('disconnect', ownerGone)
    listening.delete(readerGone)
  }
}

export interface Stop {
  /** Resolves at the first of them. The next Ctrl-C or SIGTERM ends the process at once. */
  readonly came: Promise<StopSignal>
  readonly forget: () => void
}

export function awaitStop(): Stop {
  let forget: () => void = () => undefined
  const came = new Promise<StopSignal>((resolve) => {
    forget = onStopSignal((signal, count) => {
      if (count > 1) process.exit(EXIT.interrupted)
      resolve(signal)
    })
  })
  return { came, forget }
}

/** Nobody reads what we print. False: nothing that is to be ended in order runs here. */
export function readerIsGone(): boolean {
  for (const tell of listening) tell()
  return listening.size > 0
}

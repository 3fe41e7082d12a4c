/** What a connection refuses: counted by name, and told of so that no flood fills a disk. */
import type { BusMessage } from '../../bus/bus.ts'
import type { Clock, Timer } from '../../bus/clock.ts'
import type { Refusal, RefusalName } from '../../protocol/errors.ts'
import { frameworkCall, operatorCall } from '../../protocol/subjects.ts'
import type { Log } from './logger.ts'

/** Of what was refused before, no more than one is told of in this time. */
const TELL_MS = 1_000
/** The first of each name and sender is told of at once; of so many of them. */
const FIRSTS_MAX = 64
/** A stranger's subject is as long as the stranger likes. */
const SUBJECT_LENGTH_MAX = 256

export interface RefusalsTold {
  /** The latest one. */
  readonly subject: string
  readonly refusal: Refusal
  /** All since the last time, this one included, by name. */
  readonly counts: ReadonlyMap<RefusalName, number>
}

/** `onRefused` of a messenger. */
export type OnRefused = (subject: string, refused: Refusal, message: BusMessage) => void

/** `tell` is called for the first of each name and sender, then at most once a second. */
export function tellOfRefusals(clock: Clock, tell: (told: RefusalsTold) => void): OnRefused {
  const firsts = new Set<string>()
  let counts = new Map<RefusalName, number>()
  let latest: { readonly subject: string; readonly refusal: Refusal } | undefined
  let toldAtMs = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined

  const isFirst = (subject: string, name: string): boolean => {
    const first = `${name} ${senderOf(subject)}`
    if (firsts.has(first) || firsts.size >= FIRSTS_MAX) return false
    firsts.add(first)
    return true
  }
  const tellNow = (): void => {
    timer?.cancel()
    timer = undefined
    if (latest === undefined) return
    const subject = latest.subject.slice(0, SUBJECT_LENGTH_MAX)
    const told = { ...latest, subject, counts }
    latest = undefined
    counts = new Map()
    toldAtMs = clock.now().monotonicMs
    tell(told)
  }
  return (subject, refusal) => {
    counts.set(refusal.name, (counts.get(refusal.name) ?? 0) + 1)
    // Most of a flood is more of the same.
    const isSame = latest?.subject === subject && latest.refusal.name === refusal.name
    latest = { subject, refusal }
    if (isSame && timer !== undefined) return
    const waitMs = toldAtMs + TELL_MS - clock.now().monotonicMs
    if (isFirst(subject, refusal.name) || waitMs <= 0) tellNow()
    else timer ??= clock.after(waitMs, tellNow)
  }
}

function senderOf(subject: string): string {
  return (frameworkCall.parse(subject) ?? operatorCall.parse(subject))?.principal ?? ''
}

/** Logs what was refused; with their numbers where there was more than one. */
export function logRefusals(clock: Clock, log: Log): OnRefused {
  return tellOfRefusals(clock, ({ subject, refusal: { name, message }, counts }) => {
    const all = [...counts].map(([name, count]) => [`refused.${name}`, count] as const)
    const isOne = all.length === 1 && all[0]?.[1] === 1
    log({
      level: 'warn',
      message: `refused a message: ${message}`,
      fields: { subject, refusal: name, ...(isOne ? {} : Object.fromEntries(all)) },
    })
  })
}

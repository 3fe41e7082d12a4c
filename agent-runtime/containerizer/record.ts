/** What a recording parent wrote about its container, or an agent in its place. */
import { constants } from 'node:os'
import type { Started } from '../isolator/kill/kill.ts'
import { TICKS_PER_SECOND } from '../isolator/proc.ts'
import type { Exit } from './containerizer.ts'

/**
 * `claimed`: somebody will start it or fail. `exited` without `started`: what came before the
 * task's own process failed, `note` says how. `abandoned`: it never starts.
 */
export type Record =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'started'; readonly started: Started }
  | { readonly kind: 'failed'; readonly why: string }
  | {
      readonly kind: 'exited'
      readonly started?: Started
      readonly exit: Exit
      /** When, in clock ticks from boot; only of one that is a session. */
      readonly endedTicks?: number | undefined
    }

const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number as number, name]),
)

/** Lines are complete when they end; the last one may still be on its way. */
export function parseRecord(text: string): Record {
  const lines = text.split('\n').slice(0, -1)
  const started = lines.map(parseStart).find((found) => found !== undefined)
  const last = lines.at(-1) ?? ''
  const [word, ...rest] = last.split(' ')
  // Whoever it was, there is nobody left to signal: these pids may be another's by now.
  if (word === 'lost') return { kind: 'exited', exit: { unknown: rest.join(' ') } }
  if (word === 'abandoned') return { kind: 'failed', why: rest.join(' ') }
  if (word === 'exit') {
    const notes = lines.slice(0, -1).filter((line) => parseStart(line) === undefined)
    const status = Number(rest[0])
    if (started === undefined) return { kind: 'failed', why: failure(notes, status) }
    const exit = exitOf(status, notes)
    const upS = Number(rest[1] || Number.NaN)
    if (Number.isNaN(upS)) return { kind: 'exited', started, exit }
    return { kind: 'exited', started, exit, endedTicks: Math.round(upS * TICKS_PER_SECOND) }
  }
  if (started !== undefined) return { kind: 'started', started }
  // Who was to make its namespaces could not, and nobody comes after.
  if (/^(?:unshare|nsenter): /.test(last)) return { kind: 'failed', why: failure([last], 1) }
  return { kind: 'claimed' }
}

/** The line by which an agent ends a container that nobody else can end. */
export function lostLine(why: string): string {
  return `lost ${why}\n`
}

/** The line by which an agent claims a container that it wants never to start. */
export function abandonedLine(why: string): string {
  return `abandoned ${why}\n`
}

function parseStart(line: string): Started | undefined {
  const found = /^start (\d+) (\d+) (\d+) (\d+)$/.exec(line)
  if (found === null) return undefined
  const [, parent, parentStart, child, childStart] = found.map(Number)
  return {
    parent: { pid: parent ?? 0, startTicks: parentStart ?? 0 },
    child: { pid: child ?? 0, startTicks: childStart ?? 0 },
  }
}

/**
 * A shell says nothing of a child that exits, and names the signal of one that was killed by it;
 * of SIGINT and SIGPIPE it is silent, so these two look like the exit statuses 130 and 141.
 */
function exitOf(status: number, notes: readonly string[]): Exit {
  const signal = SIGNAL_NAMES.get(status - 128)
  if (notes.length === 0 || status <= 128) return { code: status }
  return { signal: signal ?? `SIG${status - 128}` }
}

function failure(notes: readonly string[], status: number): string {
  const note = notes.join('; ').slice(0, NOTE_LENGTH_MAX)
  return `the task's process could not be made: ${note || `the shell ended with ${status}`}`
}

const NOTE_LENGTH_MAX = 1000

/** `bourse events [PATTERN]`: what has happened, from the history, and what happens. */
import type { Bus, History } from '../../bus/bus.ts'
import { type Clock, systemClock } from '../../bus/clock.ts'
import { followHistory, HistoryReader, sequenceBefore } from '../../bus/history.ts'
import { watchForbidden } from '../../bus/nats/forbidden.ts'
import { isOpenLocation } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { allEvents, eventStream, inboxOf, leaderBeat } from '../../protocol/subjects.ts'
import { EventLines } from '../event-lines.ts'
import { eventFilter, requirePattern } from '../event-pattern.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { findCluster, principalOf } from '../find-cluster.ts'
import type { Io } from '../io.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import type { Since } from '../since.ts'
import { onStopSignal } from '../stop-signals.ts'

export interface EventsOptions extends CommandOptions {
  /** Default: the last hour. */
  readonly since?: Since
  /** The sequence that was read last. */
  readonly after?: number
  readonly follow?: boolean
}

const SINCE_MS_DEFAULT = 3_600_000
const RETRY_MS = 1_000

export async function events(
  pattern: string,
  { options, io }: Invocation<EventsOptions>,
): Promise<ExitCode> {
  const { since, after } = options
  if (since !== undefined && after !== undefined)
    throw wrongUse('--since and --after both say where to begin: give one')
  requirePattern(pattern)
  const { location, cluster } = findCluster(options, io.env)
  const filter = eventFilter(cluster, pattern)
  const principal = principalOf(options, io.env)
  const inbox = location.inboxPrefix ?? inboxOf(cluster, 'observer', principal)
  const { forbidden, onFault } = watchForbidden()
  // Whoever has credentials to observe may not hear a leader.
  const goesWhereOneLeads = options.follow === true && isOpenLocation(location)
  const leaderOn = leaderBeat.on({ cluster })
  const system = natsSystem({ location, onFault, ...(goesWhereOneLeads && { leaderOn }) })
  const bus = await system.connect({ name: `${cluster} observer ${principal}`, inbox })
  const kept = { name: eventStream(cluster), pattern: allEvents(cluster) }
  const reading = { ...kept, filter, cluster, bus, history: system.history(bus, kept) }
  try {
    const done = (options.follow ? follow : readAll)(reading, { options, io })
    // Who may not ask is not answered either.
    return await Promise.race([done, forbidden])
  } finally {
    void bus.close()
  }
}

interface Reading {
  readonly cluster: string
  readonly bus: Bus
  readonly history: History
  readonly pattern: string
  readonly filter: string
}

/** @throws {ClusterError} `cli/no-history`. */
async function readAll(reading: Reading, { options, io }: Invocation<EventsOptions>) {
  const lines = linesOf(reading, { options, io })
  let count = 0
  try {
    const after = await startOf(reading, options, systemClock)
    for await (const item of readerFrom(after, reading).read()) {
      for (const line of lines.of(item)) io.print(line)
      count += 1
      await io.drained()
    }
  } catch (error) {
    throw noHistory(reading, error)
  }
  if (count === 0 && !options.json) io.printError('no events')
  return EXIT.done
}

async function follow(reading: Reading, { options, io }: Invocation<EventsOptions>) {
  const { bus, filter } = reading
  const end = new AbortController()
  const { signal } = end
  const putBack = onStopSignal((_, count) => {
    if (count > 1) process.exit(EXIT.interrupted)
    end.abort()
  })
  const lines = linesOf(reading, { options, io })
  const onFault = (fault: ClusterError): void =>
    io.printError(`bourse: ${noHistory(reading, fault).message}; still asking`)
  try {
    const after = await startWhenThere(reading, options, { signal, onFault })
    const reader = readerFrom(after ?? 0, reading)
    const following = { reader, bus, filter, signal, onFault, clock: systemClock }
    for await (const item of followHistory(following)) {
      for (const line of lines.of(item)) io.print(line)
      await io.drained()
    }
    return EXIT.done
  } finally {
    putBack()
  }
}

const readerFrom = (after: number, { history, pattern, filter }: Reading): HistoryReader =>
  new HistoryReader({ history, pattern, filter, after, clock: systemClock })

const linesOf = (
  { filter, pattern }: Reading,
  { options, io }: { readonly options: EventsOptions; readonly io: Io },
): EventLines =>
  new EventLines({
    json: options.json === true,
    columns: io.columns,
    isWhole: filter === pattern,
  })

/** @throws {ClusterError} as `History`. */
function startOf(
  reading: Reading,
  { since, after }: EventsOptions,
  clock: Clock,
): Promise<number> | number {
  if (after !== undefined) return after
  const { wallMs } = clock.now()
  const sinceMs = since?.(wallMs) ?? wallMs - SINCE_MS_DEFAULT
  return sinceMs <= 0 ? 0 : sequenceBefore(reading, sinceMs)
}

/** Asks until it is answered; undefined: it was told to end. */
async function startWhenThere(
  reading: Reading,
  options: EventsOptions,
  { signal, onFault }: Waiting,
): Promise<number | undefined> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await startOf(reading, options, systemClock)
    } catch (error) {
      if (!(error instanceof ClusterError) || error.retry === 'never') throw error
      if (tries === 0) onFault(error)
      await new Promise<void>((resolve) => {
        systemClock.after(RETRY_MS, resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
  return undefined
}

interface Waiting {
  readonly signal: AbortSignal
  readonly onFault: (fault: ClusterError) => void
}

/** A fault that another try may cure is this one; all else stays as it is. */
function noHistory({ cluster }: Reading, error: unknown): ClusterError {
  if (!(error instanceof ClusterError)) throw error
  if (error.code !== 'bus/store-unavailable') return error
  const message = `nobody has events of cluster ${cluster} there: ${error.message}`
  return new ClusterError('cli/no-history', 'later', message, { cause: error })
}

/** Checks of a task in an image: a command inside it, or the network where the task listens. */
import type { Clock } from '../../../bus/clock.ts'
import { ClusterError } from '../../../protocol/errors.ts'
import type { Attempt } from '../../checks/attempt.ts'
import { askHttp, askTcp } from '../../checks/network.ts'
import { WORDS_MS_MAX, Words } from '../../checks/words.ts'
import { sessionScope } from '../../isolator/kill/session.ts'
import { type ProcessIdentity, readStat, signalPid } from '../../isolator/proc.ts'
import type { CheckRun, CheckSeen, Command, Endpoint } from '../containerizer.ts'
import { type DockerApi, refusal } from './api.ts'
import { isProcessOf } from './belongs.ts'
import { executionOf, type FoundNetwork, isDone } from './found.ts'
import { Pieces } from './output.ts'
import { fieldsOf, textOf } from './parse.ts'

/** How soon it is looked whether a command has ended, at first and at last. */
const LOOK_MS_MIN = 10
const LOOK_MS_MAX = 500
/** So long it is tried to end one that is late: a service may not say which process it is. */
const END_MS_MAX = 10_000

/** Where a check of a container runs. */
export interface DockerPlace {
  readonly api: DockerApi
  readonly clock: Clock
  /** What the service calls it. */
  readonly name: string
  /** Undefined: nobody knows now. */
  readonly network: () => Promise<FoundNetwork | undefined>
}

type Tell = (seen: CheckSeen) => void

export function beginInside({ probe }: CheckRun, place: DockerPlace, tell: Tell): Attempt {
  if ('http' in probe) {
    const ask = (host: string) => askHttp({ ...probe.http, host }, tell)
    return askWhereItListens(place, probe.http, { ask, tell })
  }
  if ('tcp' in probe) {
    const ask = (host: string) => askTcp({ ...probe.tcp, host }, tell)
    return askWhereItListens(place, probe.tcp, { ask, tell })
  }
  return runInside(place, probe.command, tell)
}

interface Asking {
  readonly ask: (host: string) => Attempt
  readonly tell: Tell
}

function askWhereItListens(place: DockerPlace, to: Endpoint, { ask, tell }: Asking): Attempt {
  let attempt: Attempt | undefined
  let isStopped = false
  void place.network().then((network) => {
    if (isStopped) return
    const host = network && hostOf(network, to)
    if (host === undefined) tell(network ? NO_NETWORK : AWAY)
    else attempt = ask(host)
  })
  return {
    stop(done) {
      isStopped = true
      if (attempt !== undefined) return attempt.stop(done)
      tell(AWAY)
      done()
    },
  }
}

/** A mapped port is this machine's; any other of a bridge is the container's own. */
function hostOf(network: FoundNetwork, { port, host = '127.0.0.1' }: Endpoint): string | undefined {
  const { mode, address, hostPorts } = network
  if (mode === 'host' || hostPorts.includes(port)) return host
  return address === '' ? undefined : address
}

const NO_NETWORK: CheckSeen = { failed: 'the task has no network in which it could be asked' }
const AWAY: CheckSeen = { unmade: 'the container service does not say where the task listens' }
const NOT_BEGUN: CheckSeen = { unmade: 'the container service did not begin it in time' }

/** Ends when nothing of it is left, as far as it can be found. */
function runInside(place: DockerPlace, command: Command, tell: Tell): Attempt {
  const stop = new AbortController()
  let isOver = false
  let whenOver = (): void => {}
  const run = async (): Promise<void> => {
    try {
      await execute(place, { command, tell, stop: stop.signal })
    } catch (error) {
      tell(notRun(error as Error))
    }
    isOver = true
    whenOver()
  }
  void run()
  return {
    stop(done) {
      stop.abort()
      whenOver = done
      if (isOver) done()
    },
  }
}

/** A service that is away says nothing of the task, what it refuses may. */
const notRun = (error: Error): CheckSeen =>
  error instanceof ClusterError && error.code === 'docker/away'
    ? { unmade: error.message }
    : { failed: `it could not be run: ${error.message}` }

interface Executing {
  readonly command: Command
  readonly tell: Tell
  readonly stop: AbortSignal
}

/** @throws {ClusterError} `docker/away`, `docker/refused`. */
async function execute(place: DockerPlace, { command, tell, stop }: Executing): Promise<void> {
  const { api, name } = place
  const argv = 'shell' in command ? ['/bin/sh', '-c', command.shell] : command.argv
  const body = { Cmd: argv, AttachStderr: true }
  const made = await api.call({ method: 'POST', path: `/containers/${name}/exec`, body })
  if (!isDone(made)) throw refusal(made)
  if (stop.aborted) return tell(NOT_BEGUN)
  const id = textOf(fieldsOf(made.body)['Id'])
  const listening = new AbortController()
  try {
    const start = { Detach: false, Tty: false }
    const stream = await api.stream(`/exec/${id}/start`, { signal: listening.signal, body: start })
    const words = new Words()
    const heard = hear(stream as AsyncIterable<Buffer>, words)
    const code = await ended(place, { id, heard, stop })
    if (code === undefined) return
    const enough = new Promise<void>((resolve) => place.clock.after(WORDS_MS_MAX, resolve))
    await Promise.race([heard, enough])
    tell({ exit: { code }, ...words.said })
  } finally {
    listening.abort()
  }
}

interface Execed {
  readonly id: string
  /** Resolves when it writes nothing any more. */
  readonly heard: Promise<void>
  readonly stop: AbortSignal
}

/**
 * Its exit code; undefined: it was late, and is ended if it can be.
 *
 * @throws {ClusterError} `docker/away`, `docker/refused`.
 */
async function ended(place: DockerPlace, { id, heard, stop }: Execed): Promise<number | undefined> {
  const { api, clock } = place
  // Whoever writes nothing any more, or is late, is looked at soon.
  let hurry = (): void => {}
  void heard.then(() => hurry())
  stop.addEventListener('abort', () => hurry())
  let session: ProcessIdentity | undefined
  let endingMs = 0
  for (let waitMs = LOOK_MS_MIN; ; waitMs = Math.min(waitMs * 2, LOOK_MS_MAX)) {
    const answer = await api.call({ method: 'GET', path: `/exec/${id}/json` })
    const execution = executionOf(answer)
    // Who is silent now would never be told of again.
    if (execution === undefined) throw refusal(answer)
    const { pid, exitCode } = execution
    session ??= pid > 0 ? { pid, startTicks: readStat(pid)?.startTicks ?? 0 } : undefined
    const isLate = stop.aborted
    const isOver = exitCode !== undefined
    if ((isOver || isLate) && session !== undefined) endSession(session, execution.containerId)
    if (isOver) return isLate ? undefined : exitCode
    if (isLate && endingMs >= END_MS_MAX) return undefined
    if (isLate && endingMs === 0) waitMs = LOOK_MS_MIN
    if (isLate) endingMs += waitMs
    await new Promise<void>((resolve) => {
      hurry = resolve
      clock.after(waitMs, resolve)
    })
  }
}

/** Its leader may have ended, and the pid may never have been one of this machine's. */
function endSession(leader: ProcessIdentity, containerId: string): void {
  for (const pid of sessionScope(leader).pids())
    if (isProcessOf(containerId, pid)) signalPid(pid, 'SIGKILL')
}

async function hear(stream: AsyncIterable<Buffer>, words: Words): Promise<void> {
  const pieces = new Pieces()
  try {
    for await (const part of stream) {
      for (const { bytes } of pieces.take(part)) words.add(bytes)
    }
  } catch {
    // Cut off: what was heard is told.
  }
}

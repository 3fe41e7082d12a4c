/** One demo from its first process to the last look for what is left. */
import {
  type CountEvent,
  type Planned,
  plannedLine,
  type Result,
} from '../../examples/word-count/report.ts'
import type { Progress } from '../../examples/word-count/state.ts'
import { findTextFiles } from '../../examples/word-count/text-files.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { DemoCluster } from './cluster.ts'
import type { DemoOptions } from './command-line.ts'
import { countHere } from './count-here.ts'
import { type FrameworkProcess, startFramework } from './framework.ts'
import { Killer } from './kills.ts'
import type { Outcome } from './outcome.ts'
import type { Teller } from './teller.ts'

/** Nothing was heard of the framework for so long: something is stuck. */
const STALL_MS = 60_000
/** For a framework that is told to end: longer, and its tasks are ended without it. */
const END_MS = 3_000

export interface DemoDeps {
  readonly teller: Teller
  /** Ends it early. */
  readonly signal: AbortSignal
}

/**
 * Undefined: it was ended early.
 * @throws {ClusterError} something could not be done; its logs stay, and the sentence says where.
 */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<Outcome | undefined> {
  const { teller, signal } = deps
  const startedMs = performance.now()
  const before = findTextFiles(options.folder)
  if (before.files.length === 0)
    throw new ClusterError('demo/no-text', 'never', `${options.folder} holds no text file`)
  const cluster = new DemoCluster({ natsServer: options.natsServer, say: teller.say })
  let counted: Counted | undefined
  try {
    teller.now('starting nats-server, two masters, an allocator and three agents')
    if (await cluster.start(() => signal.aborted)) {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
      teller.say(`nats-server and ${[...cluster.pids.keys()].join(', ')} run after ${seconds} s`)
      counted = await count(cluster, options, deps)
    }
    teller.now('ending the cluster')
    await cluster.stop()
  } catch (error) {
    await cluster.stop()
    const hasLogs = cluster.hasLogs && !signal.aborted
    if (!hasLogs) cluster.clear()
    else if (error instanceof ClusterError) throw withLogs(error, cluster.folder)
    throw error
  }
  const leftBehind = cluster.clear()
  if (counted === undefined) return undefined
  teller.now('counting without the cluster')
  const here = countHere(
    options.folder,
    before.files.map(({ path }) => path),
  )
  const after = findTextFiles(options.folder)
  return {
    ...counted,
    here,
    isChanged: JSON.stringify(after) !== JSON.stringify(before),
    leftBehind,
    elapsedMs: Math.round(performance.now() - startedMs),
  }
}

type Counted = Pick<Outcome, 'planned' | 'result' | 'kills'>

/** Undefined: it was ended early. */
async function count(
  cluster: DemoCluster,
  { folder, killAgent, killMaster }: DemoOptions,
  { teller, signal }: DemoDeps,
): Promise<Counted | undefined> {
  const heard: { planned?: Planned; result?: Result } = {}
  const killer = new Killer({
    wanted: [
      ...(killMaster ? (['master'] as const) : []),
      ...(killAgent ? (['agent'] as const) : []),
    ],
    pids: cluster.pids,
    masterLogs: cluster.masterLogs,
    say: teller.say,
  })
  const watchdog = new Watchdog()
  const onEvent = (event: CountEvent): void => {
    watchdog.pat()
    switch (event.event) {
      case 'planned':
        heard.planned = event
        return teller.say(plannedLine(event))
      case 'result':
        heard.result = event
        return
      case 'task':
        killer.hear(event)
        if (event.task.state === 'running') cluster.traceOnce(event.task.agentId)
        else if (event.task.state !== 'placed') teller.now(progressLine(event.progress))
        return
      case 'declined':
        return
    }
  }
  const framework = startFramework({ folder, env: cluster.frameworkEnv(), onEvent })
  try {
    await Promise.race([framework.ended, watchdog.stalled, aborted(signal)])
    if (signal.aborted) return undefined
    await killer.finish()
  } finally {
    watchdog.close()
    await end(framework)
  }
  const { planned, result } = heard
  if (planned === undefined || result === undefined)
    throw new ClusterError('demo/framework', 'never', 'the framework ended without a result')
  return { planned, result, kills: killer.kills }
}

class Watchdog {
  readonly stalled: Promise<never>
  #stall: (error: ClusterError) => void = () => undefined
  #timer: NodeJS.Timeout | undefined

  constructor() {
    this.stalled = new Promise((_resolve, reject) => {
      this.#stall = reject
    })
    this.pat()
  }

  pat(): void {
    this.close()
    this.#timer = setTimeout(() => {
      const message = `nothing was heard of the framework for ${STALL_MS / 1000} s`
      this.#stall(new ClusterError('demo/stalled', 'later', message))
    }, STALL_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

async function end(framework: FrameworkProcess): Promise<void> {
  framework.signal('SIGTERM')
  const timer = setTimeout(() => framework.signal('SIGKILL'), END_MS)
  // What it said was heard, or is not wanted any more.
  await framework.ended.catch(() => undefined)
  clearTimeout(timer)
}

function progressLine({ counted, parts, placed, waiting }: Progress): string {
  const of = `${counted} of ${parts} parts ${counted === 1 ? 'is' : 'are'} counted`
  const more = `${placed} more ${placed === 1 ? 'has' : 'have'} a place`
  return `${of}, ${more}, ${waiting} ${waiting === 1 ? 'waits' : 'wait'}`
}

const withLogs = ({ code, retry, message }: ClusterError, folder: string): ClusterError =>
  new ClusterError(code, retry, `${message}; logs are in ${folder}`)

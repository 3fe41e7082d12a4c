/** Shows a run to people while it lasts. */
import type { Clock } from '../bus/clock.ts'
import type { InstanceView, RunResult } from '../frameworks/run/result.ts'
import type { Display, GoneOutput, MissingOutput } from '../frameworks/run/run.ts'
import type { SilentAgent } from '../frameworks/run/state.ts'
import { formatDuration } from './duration.ts'
import { COLUMNS_DEFAULT, type Io } from './io.ts'
import { LineCutter } from './lines.ts'
import { type LiveLine, NO_LIVE_LINE, openLiveLine } from './live-line.ts'
import {
  callingOffText,
  mayRun,
  progressLine,
  silentText,
  statusText,
  stoppingText,
  summaryLines,
  unledText,
} from './run-progress.ts'
import { harmless } from './text.ts'

export interface RunDisplay extends Display {
  /** Says something about the run. */
  say(sentence: string): void
  /** No master leads, says `why`; said unless one has answered since, or all is over. */
  unled(why: string): void
  /** Says how it ended; what is left of the output comes first. */
  finish(result: RunResult): void
  /** What other commands take, for scripts: of each instance that has a task. */
  names(all: readonly InstanceView[]): void
  /** Others see to the run from now on, the process `pid`. */
  detached(pid: number, all: readonly InstanceView[]): void
  /** Somebody wants it to end. `byHand`: they may say so once more. */
  stopping(byHand: boolean): void
  /** Without a result: takes away what is not for the scroll. */
  close(): void
}

export interface DisplayOptions {
  readonly io: Io
  readonly clock: Clock
  readonly instances: number
  /** Each line of output begins with the task that wrote it. */
  readonly prefixes: boolean
  /** Where the cluster is. */
  readonly where: string
}

type StreamName = 'stdout' | 'stderr'

/** What a stream of an instance has written, of the attempt that `view` is. */
interface Written {
  readonly cutter: LineCutter
  readonly view: InstanceView
}

/** Output as it comes, a line of progress where there is a terminal. */
export class HumanDisplay implements RunDisplay {
  readonly #options: DisplayOptions
  readonly #beganMs: number
  readonly #written: Readonly<Record<StreamName, Map<number, Written>>> = {
    stdout: new Map(),
    stderr: new Map(),
  }
  #all: readonly InstanceView[]
  #frameworkId = ''
  #isPretenceTold = false
  #isOver = false
  #line: LiveLine

  constructor(options: DisplayOptions) {
    this.#options = options
    this.#beganMs = options.clock.now().monotonicMs
    this.#all = Array.from({ length: options.instances }, (_, index) => ({
      index,
      state: 'waiting' as const,
    }))
    this.#line = options.io.isErrorTerminal ? this.#openLine() : NO_LIVE_LINE
  }

  #openLine(): LiveLine {
    const { clock, io } = this.#options
    return openLiveLine({
      clock,
      write: (text) => io.writeError(text),
      columns: () => process.stderr.columns || COLUMNS_DEFAULT,
      text: () => progressLine(this.#all, this.#elapsedMs()),
    })
  }

  say(sentence: string): void {
    this.#line.above(() => this.#options.io.printError(`bourse: ${harmless(sentence)}`))
  }

  opened(frameworkId: string): void {
    this.#frameworkId = frameworkId
  }

  changed(view: InstanceView, views: readonly InstanceView[]): void {
    this.#all = views
    // It goes on, and who started it is to know what others may soon be harmed by.
    if (view.state === 'TASK_RUNNING' && view.reason === 'CONTAINER_LIMITATION_PORTS')
      this.say(statusText(this.#frameworkId, view))
  }

  unled(why: string): void {
    if (!this.#isOver && this.#frameworkId === '') this.say(unledText(why))
  }

  waiting(why: string): void {
    this.say(`waiting: ${why}`)
  }

  restarting(failed: InstanceView, delayMs: number): void {
    const what = statusText(this.#frameworkId, failed)
    this.say(`${what}; starts again in ${formatDuration(delayMs)}`)
  }

  agentSilent(silent: SilentAgent): void {
    this.say(silentText(silent))
  }

  cluster(state: 'away' | 'back', forMs: number): void {
    const { where } = this.#options
    const time = formatDuration(forMs)
    this.say(
      state === 'away'
        ? `no cluster at ${where} for ${time}; still trying`
        : `the cluster at ${where} is back after ${time}`,
    )
  }

  unheard(): void {
    this.say('waiting for a leader: none has heard yet that this run is over')
  }

  /** Nobody sees to the run any more, and no leader was told that it is over. */
  leaving(): void {
    const id = this.#frameworkId
    if (id === '') return
    this.say(`left at once: framework ${id} is away, and what still runs of it runs on`)
    this.say(`\`bourse teardown ${id}\` ends both`)
  }

  output(view: InstanceView, stream: StreamName, data: Uint8Array): Promise<void> {
    const { io, instances } = this.#options
    if (instances === 1) {
      // Nothing else is printed that it could mix with, but for the line.
      this.#closeLine()
      this.#put(view, stream, data)
      return io.drained()
    }
    const before = this.#written[stream].get(view.index)
    const isSame = before?.view.restarts === view.restarts
    if (before !== undefined && !isSame) this.#line.above(() => this.#putRest(stream, before))
    const cutter = isSame && before !== undefined ? before.cutter : new LineCutter()
    this.#written[stream].set(view.index, { cutter, view })
    const lines = cutter.push(data)
    if (lines.length > 0)
      this.#line.above(() => {
        for (const bytes of lines) this.#put(view, stream, bytes)
      })
    return io.drained()
  }

  outputGone({ instance, stream, bytes }: GoneOutput): void {
    this.say(`${bytes} bytes of ${stream} of ${instance.taskId ?? 'a task'} were taken away unread`)
  }

  outputMissing({ instance, stream, why, isPretended }: MissingOutput): void {
    if (!isPretended)
      return this.say(`the rest of ${stream} of ${instance.taskId ?? 'a task'} is lost: ${why}`)
    if (!this.#isPretenceTold)
      this.say('these agents only pretend to run tasks: there is no output')
    this.#isPretenceTold = true
  }

  names(all: readonly InstanceView[]): void {
    this.close()
    for (const { taskId } of all)
      if (taskId !== undefined) this.#options.io.print(`${this.#frameworkId}/${taskId}`)
  }

  stopping(byHand: boolean): void {
    if (this.#frameworkId === '') this.say(callingOffText(byHand))
    else if (this.#all.some(mayRun)) this.say(stoppingText(byHand))
  }

  detached(pid: number, all: readonly InstanceView[]): void {
    this.names(all)
    this.say(`runs on; process ${pid} sees to it until all has ended, and \`kill ${pid}\` ends it`)
  }

  finish(result: RunResult): void {
    this.#line.above(() => {
      for (const stream of ['stdout', 'stderr'] as const)
        for (const written of this.#written[stream].values()) this.#putRest(stream, written)
    })
    this.close()
    for (const sentence of summaryLines(result, this.#elapsedMs()))
      this.#options.io.printError(`bourse: ${sentence}`)
  }

  close(): void {
    this.#isOver = true
    this.#closeLine()
  }

  #elapsedMs(): number {
    return this.#options.clock.now().monotonicMs - this.#beganMs
  }

  #closeLine(): void {
    this.#line.close()
    this.#line = NO_LIVE_LINE
  }

  #put(view: InstanceView, stream: StreamName, bytes: Uint8Array): void {
    const { io, prefixes } = this.#options
    const write = (what: Uint8Array | string): void =>
      stream === 'stdout' ? io.write(what) : io.writeError(what)
    if (prefixes) write(`${view.taskId ?? ''} | `)
    write(bytes)
  }

  #putRest(stream: StreamName, { cutter, view }: Written): void {
    for (const bytes of cutter.end()) this.#put(view, stream, bytes)
  }
}

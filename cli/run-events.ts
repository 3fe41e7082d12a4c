/** Tells programs of a run: a line of JSON for each thing that happens. */
import { TextDecoder } from 'node:util'
import type { InstanceView, RunResult } from '../frameworks/run/result.ts'
import type { GoneOutput, MissingOutput } from '../frameworks/run/run.ts'
import type { SilentAgent } from '../frameworks/run/state.ts'
import { jsonLine } from './io.ts'
import type { DisplayOptions, RunDisplay } from './run-display.ts'
import { callingOffText, mayRun, stoppingText, unledText } from './run-progress.ts'

type StreamName = 'stdout' | 'stderr'

export class EventDisplay implements RunDisplay {
  readonly #options: DisplayOptions
  readonly #beganMs: number
  /** Of each stream, for its latest attempt: a character may come in two pieces. */
  readonly #decoders = new Map<
    string,
    { readonly restarts: number; readonly decoder: TextDecoder }
  >()
  #frameworkId = ''
  #isPretenceTold = false
  #isOver = false
  #all: readonly InstanceView[] = []

  constructor(options: DisplayOptions) {
    this.#options = options
    this.#beganMs = options.clock.now().monotonicMs
  }

  #tell(event: string, fields: object): void {
    this.#options.io.print(jsonLine({ event, ...fields }))
  }

  say(message: string): void {
    this.#tell('message', { message })
  }

  opened(frameworkId: string): void {
    this.#frameworkId = frameworkId
    this.#tell('opened', { frameworkId })
  }

  changed(view: InstanceView, views: readonly InstanceView[]): void {
    this.#all = views
    this.#tell('task', view)
  }

  unled(why: string): void {
    if (!this.#isOver && this.#frameworkId === '') this.say(unledText(why))
  }

  waiting(why: string): void {
    this.#tell('waiting', { why })
  }

  restarting(failed: InstanceView, delayMs: number): void {
    this.#tell('restarting', { ...failed, delayMs })
  }

  agentSilent(silent: SilentAgent): void {
    this.#tell('agent-silent', silent)
  }

  cluster(state: 'away' | 'back', forMs: number): void {
    this.#tell(`cluster-${state}`, { where: this.#options.where, forMs: Math.round(forMs) })
  }

  unheard(): void {
    this.#tell('unheard', {})
  }

  output(view: InstanceView, stream: StreamName, data: Uint8Array): Promise<void> {
    const { index, taskId, restarts = 0 } = view
    const key = `${index} ${stream}`
    const before = this.#decoders.get(key)
    const decoder = before?.restarts === restarts ? before.decoder : new TextDecoder()
    this.#decoders.set(key, { restarts, decoder })
    this.#tell('output', { index, taskId, stream, text: decoder.decode(data, { stream: true }) })
    return this.#options.io.drained()
  }

  outputGone({ instance, stream, bytes }: GoneOutput): void {
    const { index, taskId } = instance
    this.#tell('output-gone', { index, taskId, stream, bytes })
  }

  outputMissing({ instance, stream, why, isPretended }: MissingOutput): void {
    const { index, taskId } = instance
    if (!isPretended) return this.#tell('output-missing', { index, taskId, stream, why })
    if (!this.#isPretenceTold)
      this.say('these agents only pretend to run tasks: there is no output')
    this.#isPretenceTold = true
  }

  names(): void {
    // They are in the document of the end, or of who sees to it.
  }

  stopping(byHand: boolean): void {
    if (this.#frameworkId === '') this.say(callingOffText(byHand))
    else if (this.#all.some(mayRun)) this.say(stoppingText(byHand))
  }

  detached(pid: number, instances: readonly InstanceView[]): void {
    this.#tell('detached', { frameworkId: this.#frameworkId, pid, instances })
  }

  finish(result: RunResult): void {
    const elapsedMs = this.#options.clock.now().monotonicMs - this.#beganMs
    this.#tell('result', { ...result, elapsedMs: Math.round(elapsedMs) })
  }

  close(): void {
    this.#isOver = true
  }
}

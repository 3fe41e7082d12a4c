/**
 * Effects of all agents of a process: what must not be forgotten comes first, as one write, then
 * the rest in order. So many agents pay for one write a turn.
 *
 * What cannot be written is tried again until it can. Until then agents record nothing more, and of
 * that turn only what needs no record is performed.
 */
import type { Timer } from '../../bus/clock.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { Effect } from './effects.ts'
import type { Journal, JournalEntry } from './journal.ts'

/** What is left when the checkpoint is written. */
export type Action = Exclude<Effect, { do: 'checkpoint' | 'compact' }>

export interface BatchDeps<Agent extends { readonly agentId: AgentId }> {
  readonly journal: Journal
  readonly soon: (fn: () => void) => void
  readonly after: (delayMs: number, fn: () => void) => Timer
  readonly perform: (agent: Agent, action: Action) => void
  /** The journal has grown: each agent is to give all its records. */
  readonly onLarge: () => void
  /** The journal cannot be written now. None of these, launches and words, was performed. */
  readonly onStuck: (error: unknown, unperformed: readonly Unperformed<Agent>[]) => void
  /** It was written: agents may go on. */
  readonly onUnstuck: () => void
}

export interface Unperformed<Agent> {
  readonly agent: Agent
  readonly action: Action
}

interface Queued<Agent> {
  readonly agent: Agent
  readonly effect: Effect
}

/** What is to be written. `all` replaces what was written before. */
interface Unwritten {
  all: readonly JournalEntry[]
  more: readonly JournalEntry[]
  readonly isForDisk: boolean
}

/** What cannot be written is tried again after this. */
const RETRY_MS = 1_000

const NEEDS_NO_RECORD: ReadonlySet<Effect['do']> = new Set([
  'kill',
  'remove-sandbox',
  'remove-unused',
  'run-check',
  'read-output',
  'read-sandbox',
  'send-found',
  'read-usage',
  'measure-disk',
  'send-output',
  'send-usage',
  'give-up',
])

export class Batch<Agent extends { readonly agentId: AgentId }> {
  readonly #deps: BatchDeps<Agent>
  #queue: Queued<Agent>[] = []
  #flushes: (() => void)[] = []
  /** Until all agents have started, none writes: the journal still holds the others' records. */
  #isHeld = true
  #isDue = false
  #isStopped = false
  #isRewriting = false
  #unwritten: Unwritten | undefined
  /** They wait until it is written that the containers have ended. */
  #destroys: Unperformed<Agent>[] = []
  #timer: Timer | undefined

  constructor(deps: BatchDeps<Agent>) {
    this.#deps = deps
  }

  /** Runs `flush` at the end of the turn, before what it adds is performed with all the rest. */
  soon(flush: () => void): void {
    this.#flushes.push(flush)
    this.#arrange()
  }

  add(agent: Agent, effect: Effect): void {
    this.#queue.push({ agent, effect })
    if (!this.#isHeld) this.#arrange()
  }

  #arrange(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#deps.soon(() => {
      const flushes = this.#flushes
      this.#flushes = []
      for (const flush of flushes) flush()
      this.#isDue = false
      if (!this.#isHeld) this.#perform()
      if (this.#flushes.length > 0) this.#arrange()
    })
  }

  /** All agents have started. */
  release(): void {
    this.#isHeld = false
    this.#perform()
  }

  /** Performs what waits, and nothing after that. */
  finish(): void {
    if (this.#unwritten === undefined) this.#perform()
    else this.#tryAgain()
    this.stop()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #perform(): void {
    if (this.#isStopped) return
    const queue = this.#queue
    this.#queue = []
    if (this.#unwritten !== undefined) {
      this.#performUnwritten(queue, this.#unwritten)
      return
    }
    const unwritten = unwrittenOf(queue)
    try {
      this.#write(unwritten)
    } catch (error) {
      this.#stick(queue, unwritten, error)
      return
    }
    this.#performAll(queue)
    if (this.#isRewriting || !this.#deps.journal.isLarge) return
    this.#isRewriting = true
    this.#deps.onLarge()
  }

  #performAll(queue: readonly Queued<Agent>[]): void {
    for (const { agent, effect } of queue) {
      if (this.#isStopped) return
      if (effect.do !== 'checkpoint' && effect.do !== 'compact') this.#deps.perform(agent, effect)
    }
  }

  /** What was written of it, is taken out of it. */
  #write(unwritten: Unwritten): void {
    const { journal } = this.#deps
    if (unwritten.all.length > 0) {
      journal.rewrite(unwritten.all)
      unwritten.all = []
      this.#isRewriting = false
    }
    if (unwritten.more.length === 0) return
    journal.append(unwritten.more, unwritten.isForDisk ? 'disk' : 'kernel')
  }

  #stick(queue: readonly Queued<Agent>[], unwritten: Unwritten, error: unknown): void {
    this.#unwritten = unwritten
    const unperformed: Unperformed<Agent>[] = []
    for (const { agent, effect } of queue) {
      if (effect.do === 'checkpoint' || effect.do === 'compact') continue
      if (effect.do === 'destroy') this.#destroys.push({ agent, action: effect })
      else if (NEEDS_NO_RECORD.has(effect.do)) this.#deps.perform(agent, effect)
      else unperformed.push({ agent, action: effect })
    }
    this.#deps.onStuck(error, unperformed)
    this.#tryLater()
  }

  /** Agents know by now: what they do needs no record, but for the last ones of who stops. */
  #performUnwritten(queue: readonly Queued<Agent>[], unwritten: Unwritten): void {
    unwritten.more = [...unwritten.more, ...entriesOf(queue, 'checkpoint')]
    this.#performAll(queue)
  }

  #tryLater(): void {
    this.#timer = this.#deps.after(RETRY_MS, () => this.#tryAgain())
  }

  #tryAgain(): void {
    if (this.#isStopped || this.#unwritten === undefined) return
    this.#performUnwritten(this.#queue.splice(0), this.#unwritten)
    try {
      this.#write(this.#unwritten)
    } catch {
      // As before: it was told, and nothing has changed.
      this.#tryLater()
      return
    }
    this.#unwritten = undefined
    for (const { agent, action } of this.#destroys.splice(0)) this.#deps.perform(agent, action)
    this.#deps.onUnstuck()
  }
}

/** All agents give their records in one turn, so they are together in one queue, before others. */
function unwrittenOf<Agent extends { readonly agentId: AgentId }>(
  queue: readonly Queued<Agent>[],
): Unwritten {
  const all = entriesOf(queue, 'compact')
  const more = entriesOf(queue, 'checkpoint')
  const isForDisk = queue.some(
    ({ effect }) => effect.do === 'checkpoint' && effect.durability === 'disk',
  )
  return { all, more, isForDisk }
}

function entriesOf<Agent extends { readonly agentId: AgentId }>(
  queue: readonly Queued<Agent>[],
  kind: 'checkpoint' | 'compact',
): readonly JournalEntry[] {
  const entries: JournalEntry[] = []
  for (const { agent, effect } of queue) {
    if (effect.do === kind) entries.push({ agentId: agent.agentId, records: effect.records })
  }
  return entries
}

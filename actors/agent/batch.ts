/**
 * Effects of all agents of a process: what must not be forgotten comes first, as one write, then
 * the rest in order. So many agents pay for one write a turn.
 */
import type { AgentId } from '../../protocol/ids.ts'
import type { Effect } from './effects.ts'
import type { Journal, JournalEntry } from './journal.ts'

/** What is left when the checkpoint is written. */
export type Action = Exclude<Effect, { do: 'checkpoint' | 'compact' }>

export interface BatchDeps<Agent extends { readonly agentId: AgentId }> {
  readonly journal: Journal
  readonly soon: (fn: () => void) => void
  readonly perform: (agent: Agent, action: Action) => void
  /** The journal has grown: each agent is to give all its records. */
  readonly onLarge: () => void
  /** The journal cannot be written: nothing more is performed. */
  readonly onFault: (error: unknown) => void
}

interface Queued<Agent> {
  readonly agent: Agent
  readonly effect: Effect
}

export class Batch<Agent extends { readonly agentId: AgentId }> {
  readonly #deps: BatchDeps<Agent>
  #queue: Queued<Agent>[] = []
  #flushes: (() => void)[] = []
  /** Until all agents have started, none writes: the journal still holds the others' records. */
  #isHeld = true
  #isDue = false
  #isStopped = false
  #isRewriting = false

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
    this.#perform()
    this.stop()
  }

  stop(): void {
    this.#isStopped = true
  }

  #perform(): void {
    if (this.#isStopped) return
    const queue = this.#queue
    this.#queue = []
    try {
      this.#remember(queue)
    } catch (error) {
      this.#isStopped = true
      this.#deps.onFault(error)
      return
    }
    for (const { agent, effect } of queue) {
      if (this.#isStopped) return
      if (effect.do !== 'checkpoint' && effect.do !== 'compact') this.#deps.perform(agent, effect)
    }
    if (this.#isRewriting || !this.#deps.journal.isLarge) return
    this.#isRewriting = true
    this.#deps.onLarge()
  }

  /**
   * All agents give their records in one turn, so they are together in one queue, before others.
   */
  #remember(queue: readonly Queued<Agent>[]): void {
    const { journal } = this.#deps
    const all = entriesOf(queue, 'compact')
    if (all.length > 0) {
      journal.rewrite(all)
      this.#isRewriting = false
    }
    const more = entriesOf(queue, 'checkpoint')
    if (more.length === 0) return
    const isForDisk = queue.some(
      ({ effect }) => effect.do === 'checkpoint' && effect.durability === 'disk',
    )
    journal.append(more, isForDisk ? 'disk' : 'kernel')
  }
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

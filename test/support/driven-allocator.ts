/** The allocator's core in a session with a leader's books: all it hears, and all it says. */
import { allocatorCore, type Input } from '../../actors/allocator/core.ts'
import { type AllocatorState, newState } from '../../actors/allocator/state.ts'
import type { CommonInput } from '../../actors/parts/core.ts'
import { cut } from '../../actors/parts/outbox.ts'
import type { MasterId, RunId, SessionId } from '../../protocol/ids.ts'
import type { AllocatorFigure, AllocatorFigures } from '../../protocol/schema/allocator.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import type { Allocation, AllocatorReport } from '../../protocol/schema/master.ts'
import type { Message } from '../../protocol/schema/messages.ts'

const LEADER: Fence = { epoch: 7, run: '00000000000000aa' as RunId }
/** Silence is nobody's matter here. */
const PING_MS = 1_000_000_000
const OPENING_MS = 1_000
/** The cluster's, as they are by default. */
const RULES = { minAllocatable: [{ cpus: 0.01 }, { mem: 32 }] }

/** What hears each message as it travels; here it may be packed, timed or counted. */
export interface Travel {
  readonly toAllocator: (message: AllocatorFigures) => AllocatorFigures
  readonly fromAllocator: (message: Message<'AllocatorReports'>) => void
  /** Runs one input through the core. */
  readonly handle: <T>(input: Input | CommonInput, run: () => T) => T
}

const NO_TRAVEL: Travel = {
  toAllocator: (message) => message,
  fromAllocator: () => {},
  handle: (_, run) => run(),
}

export class DrivenAllocator {
  readonly state: AllocatorState
  nowMs = 1_000
  readonly #travel: Travel
  #session = 'ffffffffffffffff' as SessionId
  #said = 0
  #reports: AllocatorReport[] = []

  /** `seed`: 32 hexadecimal digits. */
  constructor(seed: string, travel: Travel = NO_TRAVEL) {
    this.state = newState(seed)
    this.#travel = travel
  }

  /** Up to where it allocates. */
  open(figures: readonly AllocatorFigure[]): void {
    this.beginSession()
    this.say(figures)
    this.say([{ kind: 'complete' }])
  }

  /** Up to the leader's answer: what follows are figures. */
  beginSession(): void {
    const version = { min: 1, max: 1 }
    this.#input({ kind: 'beat', beat: { ...LEADER, master: 'm1' as MasterId, version } })
    this.wakeUntil(this.nowMs + OPENING_MS)
    this.say([{ kind: 'opened', version: 1, pingMs: PING_MS, pingsMissedMax: 3, ...RULES }])
  }

  /** Says figures, in as many messages as a leader needs. Nothing is allocated yet. */
  say(figures: readonly AllocatorFigure[]): void {
    for (const some of cut(figures)) {
      this.#said += 1
      const numbers = { session: this.#session, n: this.#said, heard: 0 }
      const message = { ...LEADER, ...numbers, figures: [...some] }
      this.#input({ kind: 'figures', message: this.#travel.toAllocator(message) })
    }
  }

  /** One turn after the other until there is nothing more to do: what was allocated. */
  turn(): readonly Allocation[] {
    while (allocatorCore.wantsFlush(this.state)) this.#input({ kind: 'flush' })
    const reports = this.#reports
    this.#reports = []
    return reports.flatMap((report) => (report.kind === 'allocate' ? report.allocations : []))
  }

  /** A turn in which there is nothing to do: what was only noted is made to hold. */
  refresh(): void {
    this.#input({ kind: 'flush' })
  }

  /** One turn; true if there is more to do. What was allocated comes with the next `turn`. */
  turnOnce(): boolean {
    if (!allocatorCore.wantsFlush(this.state)) return false
    this.#input({ kind: 'flush' })
    return allocatorCore.wantsFlush(this.state)
  }

  /** Wakes it whenever it asks for it. What was allocated meanwhile comes with the next `turn`. */
  wakeUntil(untilMs: number): void {
    for (;;) {
      const atMs = allocatorCore.wakeAtMs(this.state)
      if (atMs === undefined || atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      this.#input({ kind: 'wake' })
      while (this.turnOnce());
    }
    this.nowMs = untilMs
  }

  #input(input: Input | CommonInput): void {
    const now = { monotonicMs: this.nowMs, wallMs: 1e12 + this.nowMs }
    const run = () => allocatorCore.handle(this.state, input, now)
    for (const effect of this.#travel.handle(input, run)) {
      if (effect.do !== 'publish') continue
      const { message } = effect
      this.#travel.fromAllocator(message)
      if (message.reports[0]?.kind === 'open') this.#session = message.session as SessionId
      else this.#reports.push(...message.reports)
    }
  }
}

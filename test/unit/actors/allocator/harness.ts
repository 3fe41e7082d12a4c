/** An allocator core with a leader's side to play by hand. */
import type { Input } from '../../../../actors/allocator/core.ts'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import type { Effect, Phase } from '../../../../actors/allocator/effects.ts'
import type { Policy } from '../../../../actors/allocator/policy.ts'
import { type AllocatorState, newState } from '../../../../actors/allocator/state.ts'
import type { CommonInput } from '../../../../actors/parts/core.ts'
import type {
  AgentId,
  FrameworkId,
  MasterId,
  Principal,
  RunId,
  SessionId,
} from '../../../../protocol/ids.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import type { Fence, ResourceList } from '../../../../protocol/schema/common.ts'
import type { Allocation, AllocatorReport, LeaderBeat } from '../../../../protocol/schema/master.ts'
import type { Message } from '../../../../protocol/schema/messages.ts'

type Figure<K extends AllocatorFigure['kind']> = Extract<AllocatorFigure, { kind: K }>

export const SEED = '000102030405060708090a0b0c0d0e0f'
export const LEADER: Fence = { epoch: 7, run: '00000000000000aa' as RunId }
export const PINGS_MISSED_MAX = 3

export const cpusMem = (cpus: number, mem: number): ResourceList => [
  { name: 'cpus', scalar: cpus },
  { name: 'mem', scalar: mem },
]

type AgentFields = Partial<
  Omit<Figure<'agent-info'>, 'kind'> & Pick<Figure<'agent'>, 'version' | 'free'>
>

/** What it is, and what it has. */
export function anAgent(
  name: string,
  more: AgentFields = {},
): readonly [Figure<'agent-info'>, Figure<'agent'>] {
  const total = more.total ?? cpusMem(4, 4096)
  const { hostname = name, attributes = [], version = 1, free = total } = more
  const agentId = name as AgentId
  return [
    { kind: 'agent-info', agentId, hostname, attributes, total },
    { kind: 'agent', agentId, version, free },
  ]
}

export const idOf = (name: string): AgentId => name as AgentId

export const framework = (name: string) => ({
  principal: 'local' as Principal,
  frameworkId: name as FrameworkId,
  role: '*',
})

export function aMember(name: string, more: Partial<Figure<'member'>> = {}): Figure<'member'> {
  const asked = { suppressed: false, declinedLast: false, offers: 0, allocated: [] }
  return { kind: 'member', ...framework(name), ...asked, ...more }
}

export function aFilter(
  name: string,
  agent: string,
  declined: Figure<'filter'>['declined'],
): Figure<'filter'> {
  return { kind: 'filter', ...framework(name), agentId: agent as AgentId, declined }
}

/** A figure, or several that belong together. */
export type Said = AllocatorFigure | readonly AllocatorFigure[]

export const answered = (
  outcome: 'made' | 'refused',
  ...allocations: readonly number[]
): Figure<'answered'> => ({
  kind: 'answered',
  answers: allocations.map((allocation) => ({ allocation, outcome })),
})

export function aBeat(more: Partial<LeaderBeat> = {}): LeaderBeat {
  const version = { min: 1, max: 1 }
  return { ...LEADER, master: 'm1' as MasterId, version, ...more }
}

export class Harness {
  readonly state: AllocatorState
  nowMs = 1_000
  /** All that was published, in order. */
  readonly sent: Message<'AllocatorReports'>[] = []
  readonly phases: Phase[] = []
  fence = LEADER
  /** What the session is confirmed with: silence matters only where a test says so. */
  pingMs = 3_600_000
  /** The last message that the leader has heard, as it says. */
  heard = 0
  #said = 0

  constructor(seed = SEED, policy?: Policy) {
    this.state = newState(seed, policy)
  }

  input(input: Input | CommonInput): readonly Effect[] {
    const now = { monotonicMs: this.nowMs, wallMs: 1e12 + this.nowMs }
    const effects = allocatorCore.handle(this.state, input, now)
    for (const effect of effects) {
      if (effect.do === 'publish') this.sent.push(effect.message)
      else if (effect.do === 'tell-phase') this.phases.push(effect.phase)
    }
    return effects
  }

  /** Flushes until there is nothing more to be said; gives what was said. */
  turn(): readonly AllocatorReport[] {
    const from = this.sent.length
    while (allocatorCore.wantsFlush(this.state)) this.input({ kind: 'flush' })
    return this.sent.slice(from).flatMap(({ reports }) => reports)
  }

  /** Lets time pass as the runner does: wakes whenever the core asks for it. */
  pass(ms: number): readonly AllocatorReport[] {
    const untilMs = this.nowMs + ms
    const from = this.sent.length
    this.turn()
    for (;;) {
      const atMs = allocatorCore.wakeAtMs(this.state)
      if (atMs === undefined || atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      this.input({ kind: 'wake' })
      this.turn()
    }
    this.nowMs = untilMs
    return this.sent.slice(from).flatMap(({ reports }) => reports)
  }

  /** Says figures in the current session, with the next number. Nothing is flushed. */
  say(...figures: readonly Said[]): readonly Effect[] {
    this.#said += 1
    return this.sayNumbered(this.#said, ...figures)
  }

  sayNumbered(n: number, ...figures: readonly Said[]): readonly Effect[] {
    const { fence, session, heard } = this
    const message = { ...fence, session, n, heard, figures: figures.flat() }
    return this.input({ kind: 'figures', message })
  }

  /** Says figures and ends the turn: what is allocated. */
  tell(...figures: readonly Said[]): readonly Allocation[] {
    this.say(...figures)
    return allocationsOf(this.turn())
  }

  /** The session that the allocator opened last. */
  get session(): SessionId {
    const opens = this.sent.filter(({ reports }) => reports[0]?.kind === 'open')
    return (opens.at(-1)?.session ?? 'ffffffffffffffff') as SessionId
  }

  beat(more: Partial<LeaderBeat> = {}): void {
    this.input({ kind: 'beat', beat: aBeat({ ...this.fence, ...more }) })
  }

  /** Up to the open. */
  opening(): this {
    this.beat()
    this.pass(500)
    this.#said = 0
    return this
  }

  confirm(): readonly Effect[] {
    return this.say({
      kind: 'opened',
      version: 1,
      pingMs: this.pingMs,
      pingsMissedMax: PINGS_MISSED_MAX,
      minAllocatable: [{ cpus: 0.01 }, { mem: 32 }],
    })
  }

  /** Up to where it allocates, with these figures. */
  allocating(...figures: readonly Said[]): this {
    this.opening()
    this.confirm()
    this.say(...figures, { kind: 'complete' })
    return this
  }
}

export const allocationsOf = (reports: readonly AllocatorReport[]): readonly Allocation[] =>
  reports.flatMap((report) => (report.kind === 'allocate' ? report.allocations : []))

/** `f1:a1`, for each. */
export const pairs = (allocations: readonly Allocation[]): readonly string[] =>
  allocations.map(({ frameworkId, agentId }) => `${frameworkId}:${agentId}`)

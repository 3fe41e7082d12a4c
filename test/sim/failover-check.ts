/** Who is away for its failover time is ended, then surely; nobody else is who does not want it. */
import type { Effect } from '../../actors/master/effects.ts'
import type { CallHeader } from '../../actors/master/frameworks/session.ts'
import type { Leader, MasterState } from '../../actors/master/state.ts'
import { type FrameworkKey, frameworkKey } from '../../protocol/ids.ts'
import type { Awake } from './awake.ts'
import type { Step } from './watch.ts'
import type { World } from './world.ts'

const INVARIANT = '5: a framework has its failover time, and no more'
/** No clock is faster, and none slower. */
const CLOCKS_PART = 0.98
/** It may not hear itself for a moment, and the registry has to take the end. */
const SLACK_MS = 15_000
const EVERY_MS = 1_000

interface Heard {
  /** In the session that is open. */
  inSessionAtMs: number | undefined
  /** Anything that a process of it has said. */
  atMs: number
}

export class FailoverCheck {
  readonly #world: World
  readonly #heard = new Map<string, Heard>()
  readonly #awake: Awake
  #lookedAtMs = 0

  constructor(world: World, awake: Awake) {
    this.#world = world
    this.#awake = awake
  }

  /** A step of who leads in the highest epoch. */
  master({ process, state, input, effects }: Step): void {
    const { leader } = state as MasterState
    if (leader === undefined) return
    const { nowMs } = this.#world
    if (input.kind === 'framework-call') this.#hear(leader, input as unknown as Said)
    for (const effect of effects as readonly Effect[]) {
      if (effect.do !== 'append-registry') continue
      for (const fact of effect.batch.records) if (fact.kind === 'framework-ended') this.#ends(fact)
    }
    if (nowMs < this.#lookedAtMs + EVERY_MS) return
    this.#lookedAtMs = nowMs
    this.#lasts(leader, state as MasterState, this.#world.nodeOf(process)?.heldUpUntilMs ?? 0)
  }

  #hear({ epoch, frameworks }: Leader, { framework, call }: Said): void {
    const key = frameworkKey(framework)
    const { nowMs } = this.#world
    const { session } = frameworks.get(key) ?? {}
    const { body } = call
    const isStale = body.epoch !== undefined && body.epoch !== epoch
    const isInSession = session !== undefined && body.session === session.id && !isStale
    const before = this.#heard.get(key)?.inSessionAtMs
    this.#heard.set(key, { inSessionAtMs: isInSession ? nowMs : before, atMs: nowMs })
  }

  /** The leader asks the registry to write that it has ended. */
  #ends(key: FrameworkKey): void {
    const { ledger, nowMs } = this.#world
    const { isOver, isToEnd, isEnded, failoverMs } = ledger.framework(key)
    if (isOver || isToEnd || isEnded) return
    const heardAtMs = this.#heard.get(frameworkKey(key))?.inSessionAtMs
    if (heardAtMs === undefined || nowMs - heardAtMs >= failoverMs * CLOCKS_PART) return
    const forMs = Math.round(nowMs - heardAtMs)
    this.#fail(`${key.frameworkId} is ended ${forMs} ms after it was heard`, key, failoverMs)
  }

  #lasts({ frameworks }: Leader, { rules }: MasterState, heldUpUntilMs: number): void {
    const { ledger, nowMs } = this.#world
    const silentMs = rules.frameworkPingMs * (rules.frameworkPingsMissedMax + 2) + SLACK_MS
    for (const framework of frameworks.values()) {
      // Who is known by its tasks alone has more time.
      if (framework.state === 'ended' || framework.secretHash === undefined) continue
      const { failoverMs } = ledger.framework(framework)
      const { atMs } = this.#heard.get(framework.key) ?? { atMs: 0 }
      const forMs = Math.round(nowMs - Math.max(atMs, this.#awake.sinceMs, heldUpUntilMs))
      if (forMs < silentMs + failoverMs / CLOCKS_PART) continue
      const what = `${framework.frameworkId} was not heard for ${forMs} ms and is not ended`
      this.#fail(what, framework, failoverMs)
    }
  }

  #fail(what: string, { frameworkId }: FrameworkKey, failoverMs: number): void {
    const about = [frameworkId]
    this.#world.fail({ invariant: INVARIANT, what: `${what}: it has ${failoverMs} ms`, about })
  }
}

interface Said {
  readonly framework: FrameworkKey
  readonly call: { readonly body: CallHeader }
}

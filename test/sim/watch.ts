/**
 * Stands between the real shells and the real cores: sees every input and its effects, and has a
 * process die in the middle of them.
 */
import { agentCore } from '../../actors/agent/core.ts'
import { allocatorCore } from '../../actors/allocator/core.ts'
import { masterCore } from '../../actors/master/core.ts'
import type { CommonInput, Core } from '../../actors/parts/core.ts'
import { schedulerCore } from '../../actors/scheduler/core.ts'
import type { Now } from '../../protocol/now.ts'
import { Process } from './process.ts'

export interface Step {
  readonly process: Process
  readonly state: object
  readonly input: { readonly kind: string }
  /** Those that are performed. */
  readonly effects: readonly { readonly do: string }[]
  readonly now: Now
}

export interface Watcher {
  /** After an input was handled, before its effects are performed. */
  step(step: Step): void
  /** A core threw: that is a bug. */
  failed(process: Process, error: unknown): void
}

type AnyCore = Core<object, { readonly kind: string }, { readonly do: string }>

const NOTHING: readonly { readonly do: string }[] = []
const originals = new Map<AnyCore, AnyCore['handle']>()

/** From now on, until `unwatch`, all cores of this process are watched. */
export function watch(watcher: Watcher): void {
  for (const core of [
    agentCore,
    allocatorCore,
    masterCore,
    schedulerCore,
  ] as unknown as AnyCore[]) {
    const original = originals.get(core) ?? core.handle.bind(core)
    originals.set(core, original)
    core.handle = (state, input, now) => handle(watcher, original, { state, input, now })
  }
}

export function unwatch(): void {
  for (const [core, original] of originals) core.handle = original
}

interface Handled {
  readonly state: object
  readonly input: { readonly kind: string } | CommonInput
  readonly now: Now
}

function handle(
  watcher: Watcher,
  original: AnyCore['handle'],
  { state, input, now }: Handled,
): readonly { readonly do: string }[] {
  const process = Process.asking
  if (process === undefined || !process.isAlive) return NOTHING
  process.state = state
  let effects: readonly { readonly do: string }[]
  try {
    effects = original(state, input, now)
  } catch (error) {
    watcher.failed(process, error)
    return NOTHING
  }
  const { cut } = process
  if (cut === undefined || effects.length === 0) {
    watcher.step({ process, state, input, effects, now })
    return effects
  }
  const performed = effects.slice(0, Math.floor(cut.at * (effects.length + 1)))
  watcher.step({ process, state, input, effects: performed, now })
  return thenKill(process, performed, cut.isSaid) as Iterable<unknown> as typeof performed
}

function* thenKill<T>(process: Process, effects: readonly T[], isSaid: boolean): Generator<T> {
  yield* effects
  process.kill(isSaid)
}

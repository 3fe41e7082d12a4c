/**
 * Stands between the real shells and the real cores: sees every input and its effects.
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
  readonly effects: readonly { readonly do: string }[]
  readonly now: Now
}

export interface Watcher {
  before(process: Process, state: object, input: Step['input']): void
  /** After an input was handled, before its effects are performed: a crash may cut them. */
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
  watcher.before(process, state, input)
  let effects: readonly { readonly do: string }[]
  try {
    effects = original(state, input, now)
  } catch (error) {
    watcher.failed(process, error)
    return NOTHING
  }
  watcher.step({ process, state, input, effects, now })
  return effects
}

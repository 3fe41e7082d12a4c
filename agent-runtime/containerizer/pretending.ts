/** Containers that only take time: for emulated agents and for the simulator. */
import { strict as assert } from 'node:assert'
import type { Clock, Timer } from '../../bus/clock.ts'
import type { Usage } from '../isolator/hold.ts'
import { type PretendOutput, PretendOutputs } from '../sandbox/pretending.ts'
import type { SandboxName } from '../sandbox/sandboxes.ts'
import type {
  CheckRun,
  CheckSeen,
  ContainerEvent,
  Containerizer,
  ContainerSpec,
  Exit,
  OnContainerEvent,
  Probe,
  RecoveredContainer,
} from './containerizer.ts'
import { problemOf } from './environment.ts'

/**
 * What a task's environment says about how it pretends.
 *
 * PRETEND_MS: how long it runs (default 0, `Infinity` is allowed). PRETEND_EXIT: exit code, or name
 * of the signal that ends it (default 0). PRETEND_OUTPUT: what it has written to stdout.
 * PRETEND_IGNORES_TERM: not empty: only SIGKILL ends it early. PRETEND_CHECKS: what its checks see,
 * in turn, the last one again and again: `ok`, `fail` and `late` with commas (default `ok`).
 */
interface Pretence {
  readonly runMs: number
  readonly exit: Exit
  readonly output: Uint8Array
  readonly ignoresTerm: boolean
  readonly checks: readonly string[]
}

interface PretendContainer {
  readonly containerId: string
  readonly sandbox: SandboxName
  readonly pretence: Pretence
  readonly output: PretendOutput
  state: 'launching' | 'running' | 'ended' | 'never-started'
  exit: Exit
  /** Runs of its checks that have begun. */
  checked: number
  /** On the machine's clock; Infinity before it runs. */
  endsAtMs: number
  /** When SIGKILL is due. This and the timer belong to the agent that watches, and go with it. */
  killAtMs: number
  timer: Timer | undefined
}

/**
 * What outlives an agent: its tasks and their output. One per emulated machine; a simulated crash
 * closes the containerizer and opens another on the same machine.
 */
export class PretendMachine {
  readonly containers = new Map<string, PretendContainer>()
  readonly outputs = new PretendOutputs()

  /** Ends all tasks, unseen. Only while no containerizer is open. */
  reboot(): void {
    for (const container of this.containers.values()) {
      if (container.state !== 'running') continue
      end(container, { unknown: 'the machine was rebooted while the task ran' })
    }
  }
}

export interface PretendingContainerizerOptions {
  readonly machine: PretendMachine
  readonly clock: Clock
  readonly onEvent: OnContainerEvent
  /** Called when an answer is given by promise: a simulated clock waits for who awaits it. */
  readonly settles?: () => void
}

export class PretendingContainerizer implements Containerizer {
  readonly isolation = 'pretending'
  readonly kinds = ['process'] as const
  readonly isolators = []
  readonly missing = []
  readonly #machine: PretendMachine
  readonly #clock: Clock
  readonly #onEvent: OnContainerEvent
  readonly #settles: () => void
  #recovered = false
  #closed = false
  /** Those that start or end in the next turn. */
  #due: PretendContainer[] = []

  constructor({ machine, clock, onEvent, settles }: PretendingContainerizerOptions) {
    this.#machine = machine
    this.#clock = clock
    this.#onEvent = onEvent
    this.#settles = settles ?? (() => {})
  }

  recover(): Promise<readonly RecoveredContainer[]> {
    assert(!this.#recovered, 'recovery happens once')
    this.#recovered = true
    const found = [...this.#machine.containers.values()].map((container) => ({
      containerId: container.containerId,
      sandbox: container.sandbox,
      state: this.#recoverOne(container),
    }))
    return this.#answer(found)
  }

  launch(spec: ContainerSpec): void {
    const { containerId, sandbox } = spec
    assert(this.#recovered, 'recovery comes before the first launch')
    assert(!this.#machine.containers.has(containerId), 'a container id is used once')
    const pretence = pretenceOf(spec)
    const problem = problemOf(spec) ?? (typeof pretence === 'string' ? pretence : undefined)
    if (problem !== undefined || typeof pretence === 'string') {
      return this.#emit({ kind: 'launch-failed', containerId, why: problem ?? '' })
    }
    const output = { sandbox, bytes: pretence.output, ended: false }
    const container: PretendContainer = {
      containerId,
      sandbox,
      pretence,
      output,
      state: 'launching',
      exit: pretence.exit,
      checked: 0,
      endsAtMs: Number.POSITIVE_INFINITY,
      killAtMs: Number.POSITIVE_INFINITY,
      timer: undefined,
    }
    this.#machine.containers.set(containerId, container)
    this.#machine.outputs.keep(output)
    this.#inNextTurn(container)
  }

  kill(containerId: string, graceMs: number): void {
    const container = this.#machine.containers.get(containerId)
    if (container?.state === 'launching') {
      container.state = 'never-started'
      container.output.ended = true
      const why = 'it was killed before its process was there'
      return this.#emit({ kind: 'launch-failed', containerId, why })
    }
    if (container?.state !== 'running') return
    if (graceMs <= 0) return this.#endNow(container, { signal: 'SIGKILL' })
    if (!container.pretence.ignoresTerm) return this.#endNow(container, { signal: 'SIGTERM' })
    const nowMs = this.#clock.now().monotonicMs
    container.killAtMs = Math.min(container.killAtMs, nowMs + graceMs)
    this.#await(container, nowMs)
  }

  check({ containerId, which, probe, timeoutMs }: CheckRun): void {
    const container = this.#machine.containers.get(containerId)
    if (container?.state !== 'running') return
    const { checks } = container.pretence
    const turn = checks[Math.min(container.checked, checks.length - 1)]
    container.checked += 1
    const tell = (seen: CheckSeen): void => {
      if (this.#closed || container.state !== 'running') return
      this.#onEvent({ kind: 'checked', containerId, which, seen })
    }
    if (turn !== 'late') this.#clock.soon(() => tell(pretendedBy(probe, turn !== 'fail')))
    else if (timeoutMs > 0) {
      const failed = `it took longer than ${timeoutMs} ms`
      this.#clock.after(timeoutMs, () => tell({ failed }))
    }
  }

  destroy(containerId: string): undefined {
    const container = this.#machine.containers.get(containerId)
    if (container !== undefined) {
      container.timer?.cancel()
      end(container, container.exit)
      this.#machine.containers.delete(containerId)
      // Without output it would only be remembered, for every task there ever was.
      if (container.output.bytes.length === 0) this.#machine.outputs.forget(container.sandbox)
    }
  }

  /** What pretends uses nothing. */
  usage(containerId: string): Promise<Usage | undefined> {
    return this.#answer(this.#machine.containers.has(containerId) ? {} : undefined)
  }

  /** What pretends keeps nothing. */
  removeUnused(): Promise<void> {
    return this.#answer(undefined)
  }

  /** Also what a simulated crash does: kills that are due later are forgotten. */
  close(): Promise<void> {
    this.#closed = true
    for (const container of this.#machine.containers.values()) {
      container.timer?.cancel()
      container.timer = undefined
      container.killAtMs = Number.POSITIVE_INFINITY
    }
    return this.#answer(undefined)
  }

  #recoverOne(container: PretendContainer): RecoveredContainer['state'] {
    if (container.state === 'launching') container.state = 'never-started'
    const isOver = container.endsAtMs <= this.#clock.now().monotonicMs
    if (container.state === 'running' && isOver) end(container, container.exit)
    if (container.state === 'never-started') return { kind: 'never-started' }
    if (container.state === 'ended') return { kind: 'ended', exit: container.exit }
    this.#await(container, this.#clock.now().monotonicMs)
    return { kind: 'running' }
  }

  #start(container: PretendContainer, nowMs: number): void {
    if (!this.#machine.containers.has(container.containerId)) return
    container.state = 'running'
    container.endsAtMs = nowMs + container.pretence.runMs
    this.#onEvent({ kind: 'started', containerId: container.containerId })
    if (!this.#closed && container.state === 'running') this.#await(container, nowMs)
  }

  /** Has it end when its time has come. */
  #await(container: PretendContainer, nowMs: number): void {
    container.timer?.cancel()
    const atMs = Math.min(container.endsAtMs, container.killAtMs)
    if (atMs === Number.POSITIVE_INFINITY) return
    const delayMs = atMs - nowMs
    if (delayMs > 0) container.timer = this.#clock.after(delayMs, () => this.#end(container))
    else this.#inNextTurn(container)
  }

  #end(container: PretendContainer): void {
    const { containerId, killAtMs, endsAtMs } = container
    const exit = killAtMs < endsAtMs ? { signal: 'SIGKILL' } : container.exit
    end(container, exit)
    this.#onEvent({ kind: 'ended', containerId, exit })
  }

  /** Starts or ends it then: many tasks take no time and start together, so one timer is enough. */
  #inNextTurn(container: PretendContainer): void {
    this.#due.push(container)
    if (this.#due.length > 1) return
    this.#clock.soon(() => {
      const due = this.#due
      this.#due = []
      const nowMs = this.#clock.now().monotonicMs
      for (const one of due) {
        if (this.#closed) return
        if (one.state === 'launching') this.#start(one, nowMs)
        else if (one.state === 'running') this.#end(one)
      }
    })
  }

  #endNow(container: PretendContainer, exit: Exit): void {
    container.timer?.cancel()
    end(container, exit)
    this.#emit({ kind: 'ended', containerId: container.containerId, exit })
  }

  /** For what happens inside of a call. */
  #emit(event: ContainerEvent): void {
    this.#clock.soon(() => {
      const isDestroyed =
        event.kind !== 'launch-failed' && !this.#machine.containers.has(event.containerId)
      if (!this.#closed && !isDestroyed) this.#onEvent(event)
    })
  }

  #answer<T>(value: T): Promise<T> {
    this.#settles()
    return Promise.resolve(value)
  }
}

function end(container: PretendContainer, exit: Exit): void {
  container.state = 'ended'
  container.exit = exit
  container.output.ended = true
}

function pretendedBy(probe: Probe, isGood: boolean): CheckSeen {
  if ('command' in probe) return { exit: { code: isGood ? 0 : 1 } }
  if ('http' in probe) return { statusCode: isGood ? 200 : 503 }
  return isGood ? { connected: true } : { connected: false, why: 'it only pretends' }
}

const CHECK_TURNS: ReadonlySet<string> = new Set(['ok', 'fail', 'late'])

const NO_OUTPUT = new Uint8Array()

function exitOf(text: string | undefined): Exit | undefined {
  if (text === undefined) return { code: 0 }
  if (!/^(\d{1,3}|SIG[A-Z0-9]{1,12})$/.test(text)) return undefined
  return text.startsWith('SIG') ? { signal: text } : { code: Number(text) }
}

/** A sentence, if the environment says what cannot be pretended. */
function pretenceOf({ env }: ContainerSpec): Pretence | string {
  const runMs = Number(env['PRETEND_MS'] ?? 0)
  if (!(runMs >= 0)) return 'PRETEND_MS is no number of milliseconds'
  const exit = exitOf(env['PRETEND_EXIT'])
  if (exit === undefined) return 'PRETEND_EXIT is neither an exit code nor the name of a signal'
  const checks = (env['PRETEND_CHECKS'] ?? 'ok').split(',')
  if (!checks.every((turn) => CHECK_TURNS.has(turn)))
    return 'PRETEND_CHECKS is no list of ok, fail and late'
  return {
    runMs,
    exit,
    checks,
    output: env['PRETEND_OUTPUT'] === undefined ? NO_OUTPUT : Buffer.from(env['PRETEND_OUTPUT']),
    ignoresTerm: Boolean(env['PRETEND_IGNORES_TERM']),
  }
}

/** Containerizers to be tested, and tasks that do what a test needs. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openMachine } from '../../actors/agent/machine.ts'
import type {
  ContainerEvent,
  Containerizer,
  ContainerSpec,
  Isolation,
  OnContainerEvent,
  RecoveredContainer,
} from '../../agent-runtime/containerizer/containerizer.ts'
import type { Containerizers } from '../../agent-runtime/containerizer/containerizers.ts'
import { PretendMachine } from '../../agent-runtime/containerizer/pretending.ts'
import { pretendingRuntime } from '../../agent-runtime/pretending.ts'
import type { RealRuntime, Runtime, RuntimeOptions } from '../../agent-runtime/runtime.ts'
import type { Sandboxes, SandboxName } from '../../agent-runtime/sandbox/sandboxes.ts'
import { type Clock, sleep, systemClock } from '../../bus/clock.ts'
import { SimulatedClock } from '../../bus/simulated/clock.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { TaskContainer } from '../../protocol/schema/task-container.ts'

/** One machine and the containerizers that are opened on it one after the other. */
export interface Machine extends AsyncDisposable {
  open(onEvent: OnContainerEvent): Promise<Containerizer>
  /** Of what was opened last. */
  sandboxes(): Sandboxes
  /** Lets the machine go on until `isDone`, which only events make true. */
  until(isDone: () => boolean): Promise<void>
  /** Waits for a container's end while no containerizer is open. */
  endUnseen(containerId: string): Promise<void>
  /** Waits until a task has written its output. */
  written(spec: ContainerSpec): Promise<void>
}

/** What happened, in order. */
export class EventLog {
  readonly events: ContainerEvent[] = []
  readonly #machine: Machine

  constructor(machine: Machine) {
    this.#machine = machine
  }

  readonly onEvent = (event: ContainerEvent): void => {
    this.events.push(event)
  }

  of(containerId: string): readonly ContainerEvent[] {
    return this.events.filter((event) => event.containerId === containerId)
  }

  async until(kind: ContainerEvent['kind'], ...containerIds: string[]): Promise<void> {
    const has = (id: string) => this.of(id).some((event) => event.kind === kind)
    await this.#machine.until(() => containerIds.every(has))
  }
}

export interface Acting {
  readonly containerId?: string
  readonly taskId?: string
  readonly launch?: string
  /** Exit code or name of a signal; absent: it runs until it is killed. */
  readonly exit?: number | string
  readonly output?: string
  readonly ignoresTerm?: boolean
  /** What its checks see, for one that only pretends. */
  readonly checks?: 'ok' | 'fail' | 'late'
}

/** A task that behaves the same in every containerizer. */
export function aContainer(acting: Acting = {}): ContainerSpec {
  const { containerId = 'c-1', exit, output = '', ignoresTerm = false } = acting
  const { checks = 'ok' } = acting
  const end = typeof exit === 'string' ? `kill -${exit.slice(3)} $$` : `exit ${exit}`
  const shell = [
    ignoresTerm ? "trap '' TERM" : ':',
    'printf %s "$PRETEND_OUTPUT"',
    exit === undefined ? 'sleep 600' : end,
  ].join('; ')
  return {
    containerId,
    sandbox: aSandbox(acting.taskId ?? `task-of-${containerId}`, acting.launch),
    command: { shell },
    env: {
      PRETEND_MS: exit === undefined ? '600000' : '10',
      PRETEND_EXIT: String(exit ?? 0),
      PRETEND_OUTPUT: output,
      PRETEND_IGNORES_TERM: ignoresTerm ? 'yes' : '',
      PRETEND_CHECKS: checks,
    },
    ports: [],
  }
}

export function aSandbox(taskId: string, launch = '1-00-1'): SandboxName {
  return { principal: 'local', frameworkId: 'f-1', taskId, launch } as SandboxName
}

export const AN_AGENT = 'agent-1' as AgentId

export interface RealMachine extends Machine {
  open(onEvent: OnContainerEvent): Promise<Containerizers>
  readonly workDir: string
  sandboxPath(spec: ContainerSpec): string
}

export interface Opened<Kind extends Containerizer = Containerizer> {
  readonly containers: Kind
  readonly log: EventLog
  /** What was there before. */
  readonly found: readonly RecoveredContainer[]
}

/** A containerizer that has recovered, and what happens in it from then on. */
export async function opened<Kind extends Containerizer>(
  machine: Omit<Machine, 'open'> & { open(onEvent: OnContainerEvent): Promise<Kind> },
): Promise<Opened<Kind>> {
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  return { containers, log, found: await containers.recover() }
}

/** For what happens every ten seconds and later: here it happens soon. */
export const HASTY_CLOCK: Clock = {
  ...systemClock,
  after: (delayMs, fn) => systemClock.after(delayMs >= 10_000 ? 50 : delayMs, fn),
}

/**
 * `isolation` absent: the strongest. What still runs at the end is killed. The work directory has
 * a name that nobody would choose.
 */
export function realMachine(
  isolation?: Exclude<Isolation, 'pretending'>,
  clock: Clock = systemClock,
  other: Partial<RuntimeOptions> = {},
): RealMachine {
  const workDir = other.workDir ?? mkdtempSync(join(tmpdir(), `bourse's "$(id)" containers-`))
  let heard = () => {}
  let last: RealRuntime | undefined
  const sandboxPath = ({ sandbox: { principal, frameworkId, taskId, launch } }: ContainerSpec) =>
    join(workDir, 'sandboxes', principal, frameworkId, taskId, launch)
  const open = async (onEvent: OnContainerEvent): Promise<Containerizers> => {
    last = await openMachine({
      workDir,
      agentId: AN_AGENT,
      clock,
      containerService: 'none',
      onEvent(event) {
        onEvent(event)
        heard()
      },
      ...(isolation && { isolation }),
      ...other,
    })
    return last.containerizer
  }
  return {
    workDir,
    sandboxPath,
    open,
    sandboxes: () => openedLast(last).sandboxes,
    async until(isDone) {
      while (!isDone()) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
    endUnseen: (id) => fileHolds(join(workDir, 'runtime', 'records', id), /^exit \d+.*\n/m),
    written: (spec) => fileHolds(join(sandboxPath(spec), 'stdout'), /./),
    async [Symbol.asyncDispose]() {
      await last?.containerizer.close()
      const cleaner = await open(() => {})
      const found = await cleaner.recover()
      await Promise.all(found.map(({ containerId }) => cleaner.destroy(containerId)))
      await cleaner.close()
      rmSync(workDir, { recursive: true })
    },
  }
}

export function pretendingMachine(): Machine {
  const clock = new SimulatedClock()
  const machine = new PretendMachine()
  let last: Runtime | undefined
  return {
    async open(onEvent) {
      last = pretendingRuntime({ machine, clock, onEvent })
      return last.containerizer
    },
    sandboxes: () => openedLast(last).sandboxes,
    async until(isDone) {
      while (!isDone()) assert(clock.step(), 'nothing is left that could happen')
    },
    endUnseen: () => clock.runUntil(clock.now().monotonicMs + 1000),
    written: async () => {},
    async [Symbol.asyncDispose]() {},
  }
}

function openedLast<Opened extends Runtime>(last: Opened | undefined): Opened {
  assert(last !== undefined, 'nothing was opened')
  return last
}

/** What no test gives a container of its own runs in this one. */
export function inContainer(machine: RealMachine, container: TaskContainer): RealMachine {
  return {
    ...machine,
    async open(onEvent) {
      const opened = await machine.open(onEvent)
      const launch = opened.launch.bind(opened)
      opened.launch = (spec) => launch({ container, ...spec })
      return opened
    },
  }
}

const LOOK_MS = 20

/** Waits until a file, or one that is yet to be made, holds what is looked for. */
export async function fileHolds(path: string, pattern: RegExp): Promise<void> {
  const holds = () => {
    try {
      return pattern.test(readFileSync(path, 'utf8'))
    } catch {
      // Not there yet.
      return false
    }
  }
  if (holds()) return
  await new Promise<void>((resolve) => {
    const watcher = watch(dirname(path), () => {
      if (!holds()) return
      watcher.close()
      resolve()
    })
    // It may have come before the watch.
    if (holds()) {
      watcher.close()
      resolve()
    }
  })
}

/** Every living process that was started for a task of this work directory, wherever it went. */
export function processesOf(workDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
        return environment.includes(`BOURSE_SANDBOX=${workDir}/`)
      } catch {
        // Gone, or not ours.
        return false
      }
    })
    .map(Number)
}

/** Who has noted the end of a task is itself gone a moment later. */
export async function processesAreGone(workDir: string): Promise<void> {
  while (processesOf(workDir).length > 0) await sleep(LOOK_MS)
}

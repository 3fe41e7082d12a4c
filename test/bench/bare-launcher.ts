/** An agent's launcher without a cluster: so many containers at a time, one after the other. */
import type { Isolation } from '../../agent-runtime/containerizer/containerizer.ts'
import type { Limits } from '../../agent-runtime/isolator/isolator.ts'
import { openRuntime } from '../../agent-runtime/runtime.ts'
import { systemClock } from '../../bus/clock.ts'
import type { AgentId, FrameworkId, Launch, Principal, TaskId } from '../../protocol/ids.ts'
import type { TaskContainer } from '../../protocol/schema/task-container.ts'
import type { TaskLinux } from '../../protocol/schema/task-linux.ts'
import { serveParent } from './child.ts'

export interface BareStart {
  /** Absolute. */
  readonly workDir: string
  readonly command: readonly string[]
  readonly inFlight: number
  /** Default: the strongest that works here. */
  readonly isolation?: Exclude<Isolation, 'pretending'>
  readonly limits: Limits
  readonly container?: TaskContainer
  readonly linux?: TaskLinux
}

export interface BareAsk {
  readonly starts: number
}

export interface BareAnswer {
  readonly elapsedMs: number
  /** Of those that ended well. */
  readonly finished: number
  /** What a kill reaches. */
  readonly isolation: string
  /** What tasks can have here, and what they cannot, in sentences. */
  readonly has: readonly string[]
  readonly missing: readonly string[]
}

const { workDir, command, inFlight, isolation, limits, container, linux } = JSON.parse(
  process.argv[2] ?? '{}',
) as BareStart
let count = 0
let left = 0
let running = 0
let finished = 0
let onDone: () => void = () => undefined

const { containerizer } = await openRuntime({
  workDir,
  agentId: 'bare' as AgentId,
  clock: systemClock,
  containerService: 'none',
  ...(isolation && { isolation }),
  onEvent(event) {
    if (event.kind === 'started') return
    if (event.kind === 'ended' && 'code' in event.exit && event.exit.code === 0) finished += 1
    void containerizer.destroy(event.containerId)
    running -= 1
    launch()
    if (running === 0) onDone()
  },
})
await containerizer.recover()

function launch(): void {
  while (left > 0 && running < inFlight) {
    left -= 1
    running += 1
    count += 1
    const sandbox = {
      principal: 'local' as Principal,
      frameworkId: 'bench' as FrameworkId,
      taskId: `task-${count}` as TaskId,
      launch: `launch-${count}` as Launch,
    }
    const containerId = `container-${count}`
    const spec = { containerId, sandbox, command: { argv: command }, env: {}, ports: [] }
    containerizer.launch({ ...spec, limits, container, ...(linux && { linux }) })
  }
}

async function run({ starts }: BareAsk): Promise<BareAnswer> {
  const startedAtMs = performance.now()
  finished = 0
  left = starts
  const done = new Promise<void>((resolve) => {
    onDone = resolve
  })
  launch()
  if (starts > 0) await done
  const elapsedMs = performance.now() - startedAtMs
  const { kinds, isolators, missing } = containerizer
  const has = [...kinds, ...isolators]
  return { elapsedMs, finished, isolation: containerizer.isolation, has, missing }
}

serveParent<BareAsk, BareAnswer>(run, () => containerizer.close())

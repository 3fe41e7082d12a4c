/**
 * Ends what an agent left running when it stopped: tasks outlive it, unless nobody wants them to.
 */
import type { Clock } from '../../bus/clock.ts'
import { keptAgentId } from './identity.ts'
import { openMachine } from './machine.ts'

export interface LeftoversOptions {
  /** Of an agent that runs no more. */
  readonly workDir: string
  readonly clock: Clock
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number
  /** Nothing of the containers is kept: the agent will not start again. */
  readonly forget: boolean
  /** For the next agent: why nobody waited for it. */
  readonly alone?: string
}

/** What the kernel, or a container service, does not let go of is not waited for. */
const SIGKILL_MS = 5_000

/**
 * Ends all tasks of the work directory; gives how many there were. Unless all is to be forgotten,
 * the agent's next start finds out how they ended.
 *
 * @throws {ClusterError} `containerizer/in-use`: its agent still runs. `agent/bad-id`.
 */
export async function endLeftovers(options: LeftoversOptions): Promise<number> {
  const { workDir, clock, graceMs, forget, alone } = options
  const agentId = keptAgentId(workDir)
  if (agentId === undefined) return 0
  const running = new Set<string>()
  let finish: () => void = () => undefined
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { containerizer } = await openMachine({
    workDir,
    agentId,
    clock,
    use: alone === undefined ? 'agent' : 'ending',
    onEvent({ kind, containerId }) {
      if (kind === 'ended' || kind === 'launch-failed') running.delete(containerId)
      if (running.size === 0) finish()
    },
  })
  try {
    const found = await containerizer.recover()
    for (const { containerId, state } of found)
      if (state.kind === 'running') running.add(containerId)
    const count = running.size
    const timer = clock.after(graceMs + SIGKILL_MS, finish)
    for (const containerId of running) {
      if (alone === undefined) containerizer.kill(containerId, graceMs)
      else containerizer.endAlone(containerId, { graceMs, why: alone })
    }
    if (count > 0) await finished
    timer.cancel()
    containerizer.sweep()
    if (forget) {
      const destroyed = found.map(({ containerId }) => containerizer.destroy(containerId))
      const tooLate = new Promise((resolve) => clock.after(SIGKILL_MS, () => resolve(undefined)))
      await Promise.race([Promise.all(destroyed), tooLate])
    }
    return count
  } finally {
    await containerizer.close()
  }
}

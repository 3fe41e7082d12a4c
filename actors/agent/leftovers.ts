/**
 * Ends what an agent left running when it stopped: tasks outlive it, unless nobody wants them to.
 */
import { join } from 'node:path'
import { usesOf } from '../../agent-runtime/containerizer/runtime-directory.ts'
import type { Clock } from '../../bus/clock.ts'
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
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
 * Ends all tasks of the work directory; gives how many run on nonetheless. Unless all is to be
 * forgotten, the agent's next start finds out how they ended.
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
    const timer = clock.after(graceMs + SIGKILL_MS, finish)
    for (const containerId of running) {
      if (alone === undefined) containerizer.kill(containerId, graceMs)
      else containerizer.endAlone(containerId, { graceMs, why: alone })
    }
    if (running.size > 0) await finished
    timer.cancel()
    containerizer.sweep()
    if (forget) {
      const destroyed = found.map(({ containerId }) => containerizer.destroy(containerId))
      const tooLate = new Promise((resolve) => clock.after(SIGKILL_MS, () => resolve(undefined)))
      await Promise.race([Promise.all(destroyed), tooLate])
    }
    return running.size
  } finally {
    await containerizer.close()
  }
}

export interface AloneOptions {
  readonly workDir: string
  readonly clock: Clock
  /** For so long no agent has come back. */
  readonly timeoutMs: number
  /** Of the work directory, as the last agent there counted them. */
  readonly uses: number
}

/** What is refused now, by a full disk, or hangs, as a container service, may be done later. */
const TRIES = 60
const AGAIN_MS = 60_000

/** Ends all tasks of an agent that does not come back: tries for an hour if some run on. */
export async function endAlone({ workDir, clock, timeoutMs, uses }: AloneOptions): Promise<void> {
  const alone = `no agent came back within ${timeoutMs / 1_000} s`
  const options = { workDir, clock, graceMs: KILL_GRACE_MS, forget: false, alone }
  // An agent that came back watches for itself, also when it is gone again.
  const isLast = (): boolean => usesOf(join(workDir, 'runtime')) === uses
  for (let tries = 0; tries < TRIES && isLast(); tries++) {
    const left = await endLeftovers(options).catch(() => undefined)
    if (left === 0) return
    await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve))
  }
}

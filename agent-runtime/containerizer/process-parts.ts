/** What the real containerizer is made of, found out by trying. */
import { strict as assert } from 'node:assert'
import { join } from 'node:path'
import type { Clock } from '../../bus/clock.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { defaultDiskBytes } from '../isolator/disk.ts'
import type { GpuPool } from '../isolator/gpu-pool.ts'
import { openIsolators } from '../isolator/isolators.ts'
import { openKillScopes, ownerName } from '../isolator/kill/kill.ts'
import type { Looks } from '../isolator/looks/looks.ts'
import { tried } from '../isolator/tried.ts'
import type { WatchOptions } from '../launcher/watch.ts'
import type { SandboxFolder } from '../sandbox/folder.ts'
import type { Isolation, OnContainerEvent } from './containerizer.ts'
import type { Maker } from './making.ts'
import { openOci } from './oci/oci.ts'
import { RuntimeDirectory } from './runtime-directory.ts'

export interface ProcessContainerizerOptions {
  /** Absolute. Holds `runtime/`; one living agent at a time. */
  readonly workDir: string
  readonly agentId: AgentId
  readonly clock: Clock
  readonly onEvent: OnContainerEvent
  /** Forces one kind; absent: the strongest that works here. */
  readonly isolation?: Exclude<Isolation, 'pretending'>
  /** What ends the tasks when no agent has come back for so long. Absent: nothing does. */
  readonly watch?: Pick<WatchOptions, 'timeoutMs' | 'command'> | undefined
  /** Of the work directory. Closed with the containerizer. */
  readonly sandboxes: SandboxFolder
  /** `ending`: no agent, but who ends what a dead one left. Default: an agent. */
  readonly use?: 'agent' | 'ending'
  /** The caller closes it. */
  readonly looks: Looks
  /** Those that it may give away, none of which is taken. */
  readonly gpus: GpuPool
}

/**
 * @throws {ClusterError} `containerizer/in-use` if another agent uses the work directory, or
 * `containerizer/ending` while the tasks of a dead one are being ended: that does not take long.
 */
export async function openParts(
  options: Omit<ProcessContainerizerOptions, 'sandboxes' | 'looks'>,
): Promise<Parts> {
  const { workDir, agentId, isolation, use } = options
  assert(workDir.startsWith('/') && !workDir.includes('\0'), 'the work directory is absolute')
  const runtime = new RuntimeDirectory(join(workDir, 'runtime'), use)
  try {
    const owner = `${agentId} ${workDir}`
    const killScopes = await openKillScopes(owner, isolation)
    const isolators = await openIsolators({
      name: ownerName(owner),
      killBase: killScopes.base,
      defaultDiskBytes: defaultDiskBytes(workDir),
      gpus: options.gpus,
    })
    const oci = use === 'ending' ? undefined : await openOci(runtime.path)
    const whyNot = await tried(['env', SIGNALS_RESET, 'true'])
    const envOptions = whyNot === undefined ? [SIGNALS_RESET] : []
    runtime.checkOwner()
    const parts = { runtime, killScopes, isolators, envOptions }
    return typeof oci === 'string' ? { ...parts, oci: undefined, noOci: oci } : { ...parts, oci }
  } catch (error) {
    runtime.close()
    throw error
  }
}

/** A shell lets background jobs ignore these two, and the task would inherit it. */
const SIGNALS_RESET = '--default-signal=INT,QUIT'

export interface Parts extends Omit<Maker, 'agentId' | 'sandboxes'> {
  /** Why tasks have no root filesystem of their own, where one would expect it. */
  readonly noOci?: string
}

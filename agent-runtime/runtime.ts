/** All that an agent has on its machine. */
import type { Containerizer } from './containerizer/containerizer.ts'
import {
  type Containerizers,
  type ContainerizersOptions,
  openContainerizers,
} from './containerizer/containerizers.ts'
import { GpuPool } from './isolator/gpu-pool.ts'
import { SandboxFolder, type SandboxFolderOptions } from './sandbox/folder.ts'
import type { Sandboxes } from './sandbox/sandboxes.ts'

export interface Runtime {
  readonly containerizer: Containerizer
  /** As long as the containerizer is open. */
  readonly sandboxes: Sandboxes
}

export interface RuntimeOptions
  extends Omit<ContainerizersOptions, 'sandboxes' | 'gpus'>,
    SandboxFolderOptions {
  /** Those that it may give away, none of which is taken. Default: the machine's. */
  readonly gpus?: GpuPool
}

/** One that is real. */
export interface RealRuntime extends Runtime {
  readonly containerizer: Containerizers
  readonly sandboxes: SandboxFolder
}

/** @throws {ClusterError} as `openContainerizers`. */
export async function openRuntime(options: RuntimeOptions): Promise<RealRuntime> {
  const { gpus = new GpuPool() } = options
  const sandboxes = new SandboxFolder(options)
  try {
    return { containerizer: await openContainerizers({ ...options, gpus, sandboxes }), sandboxes }
  } catch (error) {
    await sandboxes.close()
    throw error
  }
}

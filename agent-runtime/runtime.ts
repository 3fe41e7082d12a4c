/** All that an agent has on its machine. */
import type { Containerizer } from './containerizer/containerizer.ts'
import {
  type Containerizers,
  type ContainerizersOptions,
  openContainerizers,
} from './containerizer/containerizers.ts'
import { SandboxFolder, type SandboxFolderOptions } from './sandbox/folder.ts'
import type { Sandboxes } from './sandbox/sandboxes.ts'

export interface Runtime {
  readonly containerizer: Containerizer
  /** As long as the containerizer is open. */
  readonly sandboxes: Sandboxes
}

export type RuntimeOptions = Omit<ContainerizersOptions, 'sandboxes'> & SandboxFolderOptions

/** One that is real. */
export interface RealRuntime extends Runtime {
  readonly containerizer: Containerizers
  readonly sandboxes: SandboxFolder
}

/** @throws {ClusterError} as `openContainerizers`. */
export async function openRuntime(options: RuntimeOptions): Promise<RealRuntime> {
  const sandboxes = new SandboxFolder(options)
  try {
    return { containerizer: await openContainerizers({ ...options, sandboxes }), sandboxes }
  } catch (error) {
    await sandboxes.close()
    throw error
  }
}

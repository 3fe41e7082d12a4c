/** A runtime whose tasks only take time: for emulated agents and for the simulator. */
import {
  PretendingContainerizer,
  type PretendingContainerizerOptions,
} from './containerizer/pretending.ts'
import type { Runtime } from './runtime.ts'
import { PretendingSandboxes } from './sandbox/pretending.ts'

export interface PretendingRuntime extends Runtime {
  readonly containerizer: PretendingContainerizer
  readonly sandboxes: PretendingSandboxes
}

export function pretendingRuntime(options: PretendingContainerizerOptions): PretendingRuntime {
  const { machine, settles } = options
  return {
    containerizer: new PretendingContainerizer(options),
    sandboxes: new PretendingSandboxes({ outputs: machine.outputs, settles }),
  }
}

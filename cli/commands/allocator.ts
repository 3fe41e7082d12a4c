/** `bourse allocator`: proposes who gets what. Keeps nothing, so it may be killed at any time. */
import { startAllocator } from '../../actors/allocator/main.ts'
import { runActorProcess } from '../actor-process.ts'
import type { ActorWorld } from '../actor-world.ts'
import type { ExitCode } from '../exit-code.ts'
import type { Invocation } from '../options.ts'

export const allocator = (invocation: Invocation): Promise<ExitCode> =>
  runActorProcess({ name: 'allocator', start: startAllocatorIn }, invocation)

export const startAllocatorIn = (world: ActorWorld) =>
  startAllocator({
    ...world,
    onPhase: (phase) => world.log({ level: 'info', message: phase }),
  })

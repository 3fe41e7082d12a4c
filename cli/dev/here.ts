/** All actors of a `bourse dev` in its own process. */
import { join } from 'node:path'
import { jsonLog } from '../../actors/kit/logger.ts'
import { actorWorld } from '../actor-world.ts'
import { startAgentIn, startEmulatedIn } from '../commands/agent.ts'
import { startAllocatorIn } from '../commands/allocator.ts'
import { startMasterIn } from '../commands/master.ts'
import type { FoundCluster } from '../find-cluster.ts'
import type { DevHost, DevOwner } from './owner.ts'

export function hostHere({ folder, say }: DevOwner, found: FoundCluster): DevHost {
  const log = jsonLog({ path: join(folder, 'log', 'bourse.jsonl') })
  const world = actorWorld({
    found,
    log(entry) {
      log(entry)
      if (entry.level === 'error') say(entry.message)
    },
  })
  const giveUp = (message: string): void => world.log({ level: 'error', message })
  return {
    startMaster: ({ isAlone, ...master }) =>
      startMasterIn(world, { ...master, rules: isAlone ? { peersWaitMs: 0 } : {} }),
    startAllocator: (policy) => startAllocatorIn(world, policy?.loaded),
    startAgent: (agent) => startAgentIn(world, { ...agent, leaveWhenIdle: true }, giveUp),
    startEmulated: (id, count) => startEmulatedIn(world, { id, count }, giveUp),
  }
}

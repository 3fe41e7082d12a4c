/** All rows of the fault matrix, by number. */
import type { Row } from './row.ts'
import { leaderKilled } from './rows/01-leader-killed.ts'
import { staleLeader } from './rows/02-stale-leader.ts'
import { twoLeaders } from './rows/03-two-leaders.ts'
import { agentKilled } from './rows/04-agent-killed.ts'
import { reboot } from './rows/05-reboot.ts'
import { unreachable } from './rows/06-unreachable.ts'
import { agentFrozen } from './rows/07-agent-frozen.ts'
import { frameworkKilled } from './rows/09-framework-killed.ts'
import { duplicateFramework } from './rows/10-duplicate-framework.ts'
import { busKilled } from './rows/11-bus-killed.ts'
import { busFrozen } from './rows/12-bus-frozen.ts'
import { busNodeLost } from './rows/13-bus-node-lost.ts'
import { busQuorumLost } from './rows/14-bus-quorum-lost.ts'
import { busPowerCut } from './rows/15-bus-power-cut.ts'
import { busStoreDamaged } from './rows/16-bus-store-damaged.ts'
import { diskFull } from './rows/17-disk-full.ts'
import { slowDisk } from './rows/18-slow-disk.ts'
import { partitions } from './rows/19-partitions.ts'
import { delay } from './rows/20-delay.ts'
import { duplicates } from './rows/21-duplicates.ts'
import { losses } from './rows/22-losses.ts'
import { wallClock } from './rows/23-wall-clock.ts'
import { slowConsumer } from './rows/24-slow-consumer.ts'
import { flood } from './rows/25-flood.ts'
import { herd } from './rows/26-herd.ts'
import { garbage } from './rows/27-garbage.ts'
import { diskFiller, forkBomb, memoryHog, unkillable } from './rows/28-31-hostile-tasks.ts'
import { agentOutOfMemory } from './rows/32-agent-out-of-memory.ts'
import { checkpointCorrupt } from './rows/33-checkpoint-corrupt.ts'
import { allocatorGone } from './rows/34-allocator-gone.ts'
import { rollingUpgrade } from './rows/35-rolling-upgrade.ts'
import { stalledLeader } from './rows/36-stalled-leader.ts'
import { busStoresLost } from './rows/37-bus-stores-lost.ts'

export const ROWS: readonly Row[] = [
  leaderKilled,
  staleLeader,
  twoLeaders,
  agentKilled,
  reboot,
  unreachable,
  agentFrozen,
  frameworkKilled,
  duplicateFramework,
  busKilled,
  busFrozen,
  busNodeLost,
  busQuorumLost,
  busPowerCut,
  busStoreDamaged,
  diskFull,
  slowDisk,
  partitions,
  delay,
  duplicates,
  losses,
  wallClock,
  slowConsumer,
  flood,
  herd,
  garbage,
  memoryHog,
  forkBomb,
  unkillable,
  diskFiller,
  agentOutOfMemory,
  checkpointCorrupt,
  allocatorGone,
  rollingUpgrade,
  stalledLeader,
  busStoresLost,
]

/** Numbers of the matrix that no row here has. */
export const NO_ROWS: readonly { readonly number: number; readonly why: string }[] = [
  {
    number: 8,
    why: 'an executor whose agent never comes back; none is needed here, and what ends its tasks instead has a test, test/system/recovery-timeout.test.ts',
  },
]

/** By number or name. */
export const rowOf = (word: string): Row | undefined =>
  ROWS.find(({ number, name }) => String(number) === word || name === word)

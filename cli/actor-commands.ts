/** The commands that are a cluster, or a part of one, with their flags. */
import { hostname } from 'node:os'
import type { Command } from 'commander'
import { tokenFrom } from '../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  CLUSTER_LEASE_MS,
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  LEASE_MS,
  OFFER_TIMEOUT_MS,
  REREGISTER_MS,
} from '../protocol/limits.ts'
import { count, duration, id } from './arguments.ts'
import { formatDuration } from './duration.ts'
import { given, type Registration } from './registration.ts'

export function addActorCommands(registration: Registration): void {
  addMaster(registration)
  addAllocator(registration)
}

function addMaster({ add, io, done }: Registration): void {
  const lease = `${formatDuration(LEASE_MS)}, with replicas ${formatDuration(CLUSTER_LEASE_MS)}`
  const command = add('master', 'run a master: one leads, any number stand by')
    .option('--id <id>', 'its name among the masters', id('id'), tokenFrom(hostname()))
    .option('--work-dir <folder>', 'for its epoch (default: in the state folder)')
    .option('--replicas <n>', 'NATS servers that hold each store', count(1, 5), 1)
    .option(
      '--lease <duration>',
      `how long it leads without a renewal (default: ${lease})`,
      duration,
    )
  const rule = (flag: string, what: string, ms: number): void =>
    void command.option(`${flag} <duration>`, `${what} (default: ${formatDuration(ms)})`, duration)
  const times = (flag: string, what: string, n: number): void =>
    void command.option(`${flag} <n>`, `${what} (default: ${n})`, count(1, 1_000))
  rule('--agent-ping', 'asks each agent whether it is there', AGENT_PING_MS)
  times('--agent-pings-missed', 'so many make it unreachable', AGENT_PINGS_MISSED_MAX)
  rule('--reregister', 'known agents may come back after a takeover', REREGISTER_MS)
  rule('--framework-ping', 'asks each framework whether it is there', FRAMEWORK_PING_MS)
  times('--framework-pings-missed', 'so many make it away', FRAMEWORK_PINGS_MISSED_MAX)
  rule('--offer-timeout', 'takes an unanswered offer back', OFFER_TIMEOUT_MS)
  command.action(async (_, self: Command) => {
    const { master } = await import('./commands/master.ts')
    done(await master(given(io, self)))
  })
}

function addAllocator({ add, io, done }: Registration): void {
  add('allocator', 'run an allocator: it proposes who gets what').action(
    async (_, self: Command) => {
      const { allocator } = await import('./commands/allocator.ts')
      done(await allocator(given(io, self)))
    },
  )
}

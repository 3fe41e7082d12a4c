/** The commands that are a cluster, or a part of one, with their flags. */
import { hostname } from 'node:os'
import { type Command, Option } from 'commander'
import { POLICY_DEFAULT, parsePolicy } from '../actors/allocator/policies/words.ts'
import { tokenFrom } from '../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  AGENT_REMOVALS_MIN,
  AGENT_REMOVALS_MS,
  AGENT_REMOVALS_PART,
  CLUSTER_LEASE_MS,
  DISK_HEADROOM,
  EVENT_AGE_MS,
  EVENT_BYTES_MAX,
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  LEASE_MS,
  MIN_ALLOCATABLE,
  OFFER_TIMEOUT_MS,
  OUTPUT_KEPT_BYTES,
  OUTPUT_KEPT_BYTES_MAX,
  RECOVERY_TIMEOUT_MS,
  REREGISTER_MS,
  SANDBOX_KEEP_MS,
  SANDBOXES_MAX,
} from '../protocol/limits.ts'
import { minAllocatableFlag, parseMinAllocatable, parseRegion } from './allocation-flags.ts'
import {
  checkedBy,
  count,
  decimal,
  duration,
  durationWithin,
  hostName,
  id,
  oneOf,
  someText,
  someTime,
  someTimeOrNever,
} from './arguments.ts'
import { formatDuration } from './duration.ts'
import { given, type Registration } from './registration.ts'
import { parseRemovals, removalsFlag } from './removal-flag.ts'
import { parseAttributeFlag, parseResourceFlag } from './resource-flags.ts'

/** Who an actor is, its credentials say. */
const ACTOR_GLOBALS = ['nats', 'nkey', 'creds', 'cluster', 'json'] as const

/** It is renewed five times within one: a server that is busy takes longer than a shorter one. */
const LEASE_MS_MIN = 1_000
/** Whoever stands by may wait for all of it. */
const LEASE_MS_MAX = 600_000

export function addActorCommands(registration: Registration): void {
  addMaster(registration)
  addAllocator(registration)
  addAgent(registration)
}

function addMaster({ add, io, done }: Registration): void {
  const lease = `${formatDuration(LEASE_MS)}, with replicas ${formatDuration(CLUSTER_LEASE_MS)}`
  const command = add('master', 'run a master: one leads, any number stand by', {
    group: 'actors',
    examples: ['master', 'master --id m2 --nats nats://10.0.0.1'],
    more: 'All masters of a cluster are to be given the same rules.',
    globals: ACTOR_GLOBALS,
  })
    .option('--id <id>', 'its name among the masters', id('id'), tokenFrom(hostname()))
    .option('--work-dir <folder>', 'for its epoch (default: in the state folder)', someText)
    .option(
      '--replicas <n>',
      'NATS servers that hold each store (default: 3 if they are a NATS cluster, else 1)',
      oneOf(1, 3, 5),
    )
    .option(
      '--lease <duration>',
      `how long it leads without a renewal (default: ${lease})`,
      durationWithin(LEASE_MS_MIN, LEASE_MS_MAX),
    )
  const rule = (flag: string, what: string, ms: number): void =>
    void command.option(`${flag} <duration>`, `${what} (default: ${formatDuration(ms)})`, someTime)
  const times = (flag: string, what: string, n: number): void =>
    void command.option(`${flag} <n>`, `${what} (default: ${n})`, count(1, 1_000))
  rule('--agent-ping', 'asks each agent whether it is there', AGENT_PING_MS)
  times('--agent-pings-missed', 'so many make it unreachable', AGENT_PINGS_MISSED_MAX)
  rule('--reregister', 'known agents may come back after a takeover', REREGISTER_MS)
  command.option(
    '--agent-removals <limit>',
    `so many become unreachable at a time, others wait: like 20/1m, or none (default: ${removalsFlag(AGENT_REMOVALS_PART, AGENT_REMOVALS_MS)}, at least ${AGENT_REMOVALS_MIN})`,
    checkedBy(parseRemovals),
  )
  rule('--framework-ping', 'asks each framework whether it is there', FRAMEWORK_PING_MS)
  times('--framework-pings-missed', 'so many make it away', FRAMEWORK_PINGS_MISSED_MAX)
  rule('--offer-timeout', 'takes an unanswered offer back', OFFER_TIMEOUT_MS)
  command
    .option(
      '--min-allocatable <list>',
      `less is not offered: like "cpus:1;mem:64|gpus:1", or anything (default: ${minAllocatableFlag(MIN_ALLOCATABLE)})`,
      checkedBy(parseMinAllocatable),
    )
    .option(
      '--region <name>',
      'agents of others are for frameworks that ask for them',
      checkedBy(parseRegion),
    )
  rule('--event-age', 'keeps public events for so long', EVENT_AGE_MS)
  command.option(
    '--event-bytes <n>',
    `keeps so much of them (default: ${EVENT_BYTES_MAX / 1024 ** 2} MiB, or as it is)`,
    count(1024 ** 2, 1024 ** 5),
  )
  command.action(async (_, self: Command) => {
    const { master } = await import('./commands/master.ts')
    done(await master(given(io, self)))
  })
}

function addAllocator({ add, io, done }: Registration): void {
  const command = add('allocator', 'run an allocator: it proposes who gets what', {
    group: 'actors',
    examples: [
      'allocator',
      'allocator --policy priority,binpack',
      'allocator --shadow --policy ./my-policy.js',
    ],
    more: ALLOCATOR_MORE,
    globals: ACTOR_GLOBALS,
  })
  addPolicy(command)
    .option('--check-policy', 'only tell whether the policy keeps what policies promise')
    .option('--shadow', 'only tell what it would have done: `bourse shadow` shows it')
    .option('--id <id>', 'of the shadow (default: chance)', id('id'))
    .action(async (_, self: Command) => {
      const { allocator } = await import('./commands/allocator.ts')
      done(await allocator(given(io, self)))
    })
}

const ALLOCATOR_MORE = `\
It keeps nothing. A second one stands by. A module's default export has the functions rankRole and \
rankMember, and may have rankAgent: each gives a number, the smaller comes first. It runs with the \
rights of the allocator. When it throws, loops or gives no number, drf takes its place.`

const addPolicy = (command: Command): Command =>
  command.option(
    '--policy <policy>',
    `who comes first: drf, priority or a module's path; and where: spread or binpack (default: ${POLICY_DEFAULT})`,
    checkedBy(parsePolicy),
  )

function addAgent({ add, io, done }: Registration): void {
  add('agent', 'run an agent: what this machine has is for the cluster', {
    group: 'actors',
    examples: ['agent', 'agent --resources "cpus:4;mem:4096" --attributes rack:a1'],
    more: 'Its tasks outlive it: the next agent with its work directory finds them.',
    globals: ACTOR_GLOBALS,
  })
    .option(
      '--id <id>',
      'its id, kept from the first start on (default: host and chance)',
      id('id'),
    )
    .option(
      '--work-dir <folder>',
      'sandboxes and checkpoint (default: in the state folder)',
      someText,
    )
    .option('--hostname <name>', 'what others know the machine by (default: its own)', hostName)
    .option(
      '--resources <list>',
      'like "cpus:4;mem:4096;ports:[31000-32000]" (default, and of what is not named: what it has)',
      checkedBy(parseResourceFlag),
    )
    .option('--attributes <list>', 'like "rack:a1;zone:north"', checkedBy(parseAttributeFlag))
    .addOption(
      new Option('--isolation <kind>', 'what a kill reaches (default: the strongest here)').choices(
        ['cgroup', 'pid-namespace', 'session'],
      ),
    )
    .option(
      '--container-service <socket>',
      'who runs images, or none (default: Docker or Podman, where they usually listen)',
      someText,
    )
    .option(
      '--sandbox-keep <duration>',
      `keeps sandboxes of ended tasks so long on an empty disk (default: ${formatDuration(SANDBOX_KEEP_MS)})`,
      duration,
    )
    .option(
      '--sandboxes-max <n>',
      `keeps no more of them (default: ${SANDBOXES_MAX})`,
      count(1, 1_000_000),
    )
    .option(
      '--disk-headroom <part>',
      `keeps this part of the disk free, as it can (default: ${DISK_HEADROOM})`,
      decimal(1),
    )
    .option(
      '--output-max <MiB>',
      `keeps so much of each task's stdout and stderr (default: ${OUTPUT_KEPT_BYTES / 1024 ** 2})`,
      count(1, OUTPUT_KEPT_BYTES_MAX / 1024 ** 2),
    )
    .option(
      '--recovery-timeout <duration>',
      `ends its tasks when no agent comes back for so long, or never (default: ${formatDuration(RECOVERY_TIMEOUT_MS)})`,
      someTimeOrNever,
    )
    .option('--enforce-ports', 'ends a task that listens on a port it was not given')
    .option('--leave-when-idle', 'stopped without a task, it leaves the cluster for good')
    .option('--emulate <n>', 'run so many agents whose tasks only pretend', count(1, 100_000))
    .action(async (_, self: Command) => {
      const { agent } = await import('./commands/agent.ts')
      done(await agent(given(io, self)))
    })
}

export function addDevCommand({ add, io, done }: Registration): void {
  const command = add('dev', 'run a whole cluster here, until Ctrl-C', {
    group: 'start',
    examples: ['dev', 'dev --agents 3', 'dev --emulate 1000', 'dev --fresh'],
    more: DEV_MORE,
    globals: ['nats', 'cluster', 'json'],
  })
  addPolicy(command)
    .option(
      '--agents <n>',
      'the machine as so many (default: 1, with --emulate 0)',
      count(0, 1_000),
    )
    .option('--emulate <n>', 'so many agents more, whose tasks only pretend', count(1, 100_000))
    .option('--masters <n>', 'one leads, the others stand by', count(1, 9), 1)
    .option('--processes', 'a process for each, started again when it dies')
    .option('--fresh', 'end and forget what an earlier one kept')
    .option('--port <n>', 'of its nats-server (default: one that is free)', count(0, 65_535))
    .action(async (_, self: Command) => {
      const { dev } = await import('./commands/dev.ts')
      done(await dev(given(io, self)))
    })
}

const DEV_MORE = `\
State stays for the next start, in a folder that it prints; --fresh begins anew. Where --nats names \
a server, that one is used and none is started; NATS_URL is not looked at.`

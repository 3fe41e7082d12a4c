/** The commands that ask a cluster, with their flags. */
import { type Command, Option } from 'commander'
import { KILL_GRACE_MS } from '../protocol/limits.ts'
import { durationUpTo, id } from './arguments.ts'
import { formatDuration } from './duration.ts'
import { addEventCommands } from './event-commands.ts'
import type { TargetKind } from './explain/target.ts'
import { addFileCommands } from './file-commands.ts'
import { given, type Registration } from './registration.ts'
import { addRoleCommands } from './role-commands.ts'
import { addRun, addWatchRun } from './run-commands.ts'

const LISTINGS = {
  agents: 'list machines, what they have and what of it is used',
  frameworks: 'list who asks for resources',
  tasks: 'list what runs, and what ended lately',
  offers: 'list what is offered and not yet answered: to whom, and since when',
  roles: 'list roles: their weights, what they have, and their quotas',
} as const

/** Of `OperatorKill`. */
const GRACE_MS_MAX = 3_600_000

const TASK = 'TASK is the begin of its id, or FRAMEWORK/TASK with the begin of each.'

export function addClientCommands(registration: Registration): void {
  addRun(registration)
  addWatchRun(registration)
  addListings(registration)
  addStatus(registration)
  addExplain(registration)
  addLogs(registration)
  addFileCommands(registration)
  addEventCommands(registration)
  addKill(registration)
  addTeardown(registration)
  addGone(registration)
  addRoleCommands(registration)
}

function addListings({ add, io, done }: Registration): void {
  for (const verb of ['agents', 'frameworks', 'tasks', 'offers', 'roles'] as const)
    add(`${verb} [prefix]`, LISTINGS[verb], {
      group: 'look',
      examples: LISTING_EXAMPLES[verb],
      more: LISTING_MORE,
    }).action(async (prefix: string | undefined, _, command: Command) => {
      const { listing } = await import('./commands/listing.ts')
      done(await listing(verb, prefix, given(io, command)))
    })
}

const LISTING_EXAMPLES = {
  agents: ['agents', 'agents --json'],
  frameworks: ['frameworks'],
  tasks: ['tasks', 'tasks sh-'],
  offers: ['offers'],
  roles: ['roles', 'roles prod/'],
} as const

const LISTING_MORE = `\
PREFIX keeps those in which any id begins so, or whose principal does. On a terminal a table is as \
wide as it: long ids keep what tells them apart, and columns without room are left out. In a pipe \
nothing is cut.`

function addStatus({ add, io, done }: Registration): void {
  add('status [prefix]', 'show details of one thing, or of the leader', {
    group: 'look',
    examples: ['status', 'status sh-0', 'status agent-1', 'status FRAMEWORK/sh-0'],
    more: STATUS_MORE,
  }).action(async (prefix: string | undefined, _, command: Command) => {
    const { status } = await import('./commands/status.ts')
    done(await status(prefix, given(io, command)))
  })
}

const STATUS_MORE = `\
PREFIX is the begin of an id, or FRAMEWORK/TASK. A whole id wins over longer ones that begin so. Of \
several tasks with that very id the newest one is shown, and the others are named.`

function addExplain({ add, io, done }: Registration): void {
  add('explain <id>', 'say why something waits, or is as it is', {
    group: 'look',
    examples: [
      'explain web-1f0c',
      'explain sh-0',
      'explain agent-1',
      "explain '*'",
      'explain prod',
    ],
    more: EXPLAIN_MORE,
  })
    .addOption(
      new Option('--kind <kind>', 'what it is, where one word names several').choices(KINDS),
    )
    .action(async (wanted: string, _, command: Command) => {
      const { explain } = await import('./commands/explain.ts')
      done(await explain(wanted, given(io, command)))
    })
}

const KINDS: readonly TargetKind[] = ['framework', 'role', 'agent', 'task']

const EXPLAIN_MORE = `\
ID is the begin of the id of a framework, an agent or a task, FRAMEWORK/TASK, or the whole name of \
a role. Of a framework it says for each of its roles why agents were not offered to it; of an agent, \
why frameworks were not offered it; of a task, where it is, or how it ended. What the allocator \
says is true of the moment in which it is asked.`

function addLogs({ add, io, done }: Registration): void {
  add('logs <task>', 'print what a task has written, also after its end', {
    group: 'look',
    examples: ['logs sh-0', 'logs --follow sh-0', 'logs --stderr sh-0'],
    more: `${TASK} Of several the newest one is read.`,
  })
    .option('-f, --follow', 'go on until it ends')
    .option('--stderr', 'its standard error instead')
    .option('--launch <id>', 'of this one of its launches (default: the newest)', id('launch'))
    .action(async (wanted: string, _, command: Command) => {
      const { logs } = await import('./commands/logs.ts')
      done(await logs(wanted, given(io, command)))
    })
}

function addKill({ add, io, done }: Registration): void {
  const grace = formatDuration(KILL_GRACE_MS)
  add('kill <task...>', 'stop tasks', {
    group: 'act',
    examples: ['kill sh-0', 'kill --grace 30s FRAMEWORK/sh-0 FRAMEWORK/sh-1'],
    more: `${TASK} It kills what is meant for sure: where several are, it names them.`,
  })
    .option(
      '--grace <duration>',
      `from SIGTERM to SIGKILL (default: what its framework asked for, else ${grace})`,
      durationUpTo(GRACE_MS_MAX),
    )
    .action(async (wanted: readonly string[], _, command: Command) => {
      const { kill } = await import('./commands/kill.ts')
      done(await kill(wanted, given(io, command)))
    })
}

function addTeardown({ add, io, done }: Registration): void {
  add('teardown <framework>', 'end a framework and its tasks', {
    group: 'act',
    examples: ['teardown sh-1f0c'],
    more: 'FRAMEWORK is the begin of its id. Its tasks are killed, and it cannot come back.',
  }).action(async (wanted: string, _, command: Command) => {
    const { teardown } = await import('./commands/teardown.ts')
    done(await teardown(wanted, given(io, command)))
  })
}

function addGone({ add, io, done }: Registration): void {
  add('gone <agent>', 'say that an agent will not come back: its tasks are over', {
    group: 'act',
    examples: ['gone agent-1'],
    more: GONE_MORE,
  }).action(async (wanted: string, _, command: Command) => {
    const { gone } = await import('./commands/gone.ts')
    done(await gone(wanted, given(io, command)))
  })
}

const GONE_MORE = `\
AGENT is the begin of its id. Its frameworks are told at once that its tasks are \
TASK_GONE_BY_OPERATOR, and may start them elsewhere: say it of machines of which you know that \
nothing runs there any more. There is no way back: if it comes back all the same, it is refused and \
ends what still runs there.`

/** `bourse run` with its flags, and the process that a detached one leaves. */
import type { Command } from 'commander'
import { parseConstraint } from '../frameworks/run/constraints.ts'
import { parseRestart } from '../frameworks/run/restarts.ts'
import {
  CHECK_INTERVAL_MS_MIN,
  CHECK_MS_MAX,
  HEALTH_FAILURES_MAX,
  SCALAR_MAX,
} from '../protocol/limits.ts'
import {
  checkedBy,
  collected,
  count,
  decimal,
  duration,
  durationUpTo,
  durationWithin,
  joined,
  someText,
  urlPath,
  WrongValue,
} from './arguments.ts'
import type { EnvironmentFlag } from './commands/run.ts'
import { capabilities, privates, ulimit } from './confinement-flags.ts'
import { addImageOptions } from './image-flags.ts'
import { given, type Registration } from './registration.ts'
import { WATCHER_COMMAND } from './watcher.ts'

const CPUS_MAX = 1_000_000
const checkMs = durationUpTo(CHECK_MS_MAX)
const intervalMs = durationWithin(CHECK_INTERVAL_MS_MIN, CHECK_MS_MAX)

const MORE = `\
Constraints are about attributes of agents (\`bourse status AGENT\`), \`hostname\` and \`agent\`:
  NAME=VALUE   NAME!=VALUE     it is that text, or is not
  NAME~REGEXP  NAME!~REGEXP    all of it matches, or does not
  NAME                         the agent has it
  NAME:unique  NAME:max=N      at most one, or N, of its instances run where it is the same

With --detach the command prints FRAMEWORK/TASK of each instance when all have been placed, also if
they have ended by then, and leaves. A process of its own stays: it restarts what is to be
restarted, and ends with the last task, once a leader has heard that. \`bourse tasks\`,
\`bourse logs\` and \`bourse kill\` work as with any task; SIGTERM to that process ends them all, and
once more leaves them at once to \`bourse teardown\`.

With --restart on-failure an instance that fails, or that its agent has come back without, is
started again after 1s, then 2s, 4s … at most 1m; after 10s of running the pauses begin anew. What
was killed, and what could not be started at all, is not started again; but what its agent has
killed because its --check failed is. On an agent that does not
answer it may still run: after 5m it is given up, started elsewhere, and killed should that agent be
back. Without --restart it is waited for.

Without --timeout the command waits for places as long as it takes, and says why. --timeout is about
places where something runs: what an agent was given and never spoke of within it
was not placed. It begins with the command: a leader that does not answer uses it up, too. One that
never answers is waited for 30s at most.

An image is one that an agent's container service has (\`docker\`, \`podman\`): none is fetched. A root
is a folder or tar of the agent's machine, shown read-only by \`runc\`.

Ctrl-C kills the tasks and waits for their end; a second one leaves at once, and the leader ends
them. Who reads no more (\`| head -1\`) ends the tasks, too, with exit code 0. Standard input is not
passed on. Of what begins each line with its task, lines longer than 64 KiB are cut.

Exit codes: 0 all have finished, 1 some have not, 2 some could not be placed within --timeout,
69 no cluster, or no leader of it has answered, 130 interrupted.`

export function addRun({ add, io, done }: Registration): void {
  const command = add(
    'run [command...]',
    'run a command on the cluster, to its end; put -- before it',
    {
      group: 'start',
      examples: [
        'run -- hostname',
        `run --instances 3 --cpus 0.5 -- sh -c 'echo "hello from $BOURSE_TASK_ID"'`,
        "run --detach --restart on-failure --ports 1 -- sh -c 'exec python3 -m http.server $PORT0'",
        "run --ports 1 --restart on-failure --check-http / -- sh -c 'exec python3 -m http.server $PORT0'",
        'run --image nginx --publish 80 --volume /srv/www:/usr/share/nginx/html:ro --check-tcp',
        'run --root /srv/busybox -- sh -c "ls /"',
        'run --instances 3 --constraint rack!=r1 --constraint hostname:unique -- uptime',
      ],
      more: MORE,
    },
  )
  addWishes(command)
  addImageOptions(command)
  addChecks(command)
  command
    .option('--timeout <duration>', 'all must be placed within (default: it waits)', duration)
    .option('--detach', 'leave when all have been placed; they run on')
    .option('--prefix', 'begin each line of output with its task (on a terminal: if several)')
    .option('--no-prefix', 'never do that')
    .action(async (words: readonly string[], _, self: Command) => {
      const { run } = await import('./commands/run.ts')
      done(await run(words, given(io, self)))
    })
}

function addWishes(command: Command): void {
  command
    .passThroughOptions()
    .option('--name <name>', 'what people see (default: the first word of the command)')
    .option('--instances <n>', 'so many, each with its own task', count(1, 100_000), 1)
    .option('--cpus <n>', 'of each instance', decimal(CPUS_MAX), 0.1)
    .option('--mem <MiB>', 'of each instance', decimal(SCALAR_MAX), 32)
    .option('--disk <MiB>', 'of each instance', decimal(SCALAR_MAX))
    .option('--gpus <n>', 'whole ones, of each instance', count(0, 1_000))
    .option('--ports <n>', 'of each instance, as PORT0, PORT1 …', count(0, 1_000))
    .option('--env <NAME=VALUE>', 'for the command; NAME alone: as it is here', collected(variable))
    .option('--user <name>', 'who runs it (default: whoever the agent runs as)')
    .option(
      '--ulimit <TYPE=SOFT:HARD>',
      'like nofile=1024, core=0 or stack=unlimited; may be repeated',
      collected(ulimit),
    )
    .option(
      '--capabilities <names>',
      "all that it keeps, with commas, or none (default: the agent's)",
      joined(capabilities),
    )
    .option('--no-new-privileges', 'no program gives it more rights than it has')
    .option(
      '--private <what>',
      'its own, with commas: pid, mount (/tmp, /dev/shm), network (a loopback)',
      joined(privates),
    )
    .option('--role <role>', 'whose share it counts for (default: *)')
    .option(
      '--constraint <text>',
      'where it may run, see below; may be repeated, all hold',
      collected(checkedBy(parseConstraint)),
    )
    .option(
      '--restart <policy>',
      'never, on-failure or on-failure:N (default: never)',
      checkedBy(parseRestart),
    )
}

function addChecks(command: Command): void {
  command
    .option('--check <script>', 'sh -c, beside each instance: well if it exits with 0', someText)
    .option('--check-http <path>', 'its first port: well if a GET has 200 to 399', urlPath)
    .option('--check-tcp', 'its first port: well if it takes a connection')
    .option('--check-delay <duration>', 'before the first check (default: 15s)', checkMs)
    .option('--check-interval <duration>', 'between two, 1s or more (default: 10s)', intervalMs)
    .option('--check-timeout <duration>', 'who takes longer is not well (default: 20s)', checkMs)
    .option('--check-grace <duration>', 'it may be unwell so long at first (default: 10s)', checkMs)
    .option(
      '--check-failures <n>',
      'in a row, and it is killed (default: 3)',
      count(1, HEALTH_FAILURES_MAX),
    )
}

/** Nobody types it: `run --detach` starts it. */
export function addWatchRun({ program, io, done }: Registration): void {
  program.command(WATCHER_COMMAND, { hidden: true }).action(async () => {
    const { watchRun } = await import('./commands/watch-run.ts')
    done(await watchRun(io))
  })
}

function variable(text: string): EnvironmentFlag {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]{0,127})(?:=([^\0]*))?$/s.exec(text) ?? []
  if (name !== undefined) return value === undefined ? { name } : { name, value }
  throw new WrongValue('is neither NAME=VALUE nor NAME, NAME of letters, digits and _')
}

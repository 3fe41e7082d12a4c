/** `bourse run -- COMMAND…`: a command on the cluster, as often as wanted, to its end. */
import { systemClock } from '../../bus/clock.ts'
import { isOpenLocation } from '../../bus/nats/locate.ts'
import type { Constraint } from '../../frameworks/run/constraints.ts'
import type { HealthWish } from '../../frameworks/run/health-check.ts'
import { planOf } from '../../frameworks/run/plan.ts'
import type { RestartPolicy } from '../../frameworks/run/restarts.ts'
import { exitCodeOf, type RunResult } from '../../frameworks/run/result.ts'
import { type RunOptions, runCommand } from '../../frameworks/run/run.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { type ConfinementFlags, confinementOf } from '../confinement-flags.ts'
import { detachRun } from '../detached-run.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { findCluster, principalOf } from '../find-cluster.ts'
import { type ImageFlags, imageOf, rootOf } from '../image-flags.ts'
import type { Io } from '../io.ts'
import { withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { HumanDisplay, type RunDisplay } from '../run-display.ts'
import { EventDisplay } from '../run-events.ts'
import { onStopSignal } from '../stop-signals.ts'

export interface RunFlags extends CommandOptions, ConfinementFlags, ImageFlags {
  readonly name?: string
  readonly role?: string
  readonly cpus: number
  readonly mem: number
  readonly disk?: number
  readonly gpus?: number
  readonly instances: number
  readonly ports?: number
  readonly env?: readonly EnvironmentFlag[]
  readonly user?: string
  readonly constraint?: readonly Constraint[]
  readonly restart?: RestartPolicy
  readonly detach?: boolean
  /** A shell command. */
  readonly check?: string
  /** A path. */
  readonly checkHttp?: string
  readonly checkTcp?: boolean
  /** In milliseconds. */
  readonly checkDelay?: number
  readonly checkInterval?: number
  readonly checkTimeout?: number
  readonly checkGrace?: number
  readonly checkFailures?: number
  /** In milliseconds. */
  readonly timeout?: number
  /** Absent: on a terminal, when there are several instances. */
  readonly prefix?: boolean
}

export interface EnvironmentFlag {
  readonly name: string
  /** Absent: what it is here. */
  readonly value?: string
}

/**
 * Tasks of a detached run outlive its watcher for so long: whose machine sleeps over a holiday
 * finds them again, and whose machine never returns leaves nothing for ever.
 */
const DETACHED_FAILOVER_MS = 7 * 24 * 3_600_000

export async function run(
  command: readonly string[],
  { options, io }: Invocation<RunFlags>,
): Promise<ExitCode> {
  const wish = { ...wishOf(options, io), command }
  const problem = planOf(wish)
  if ('code' in problem) throw wrongUse(problem.message)
  const { location: nats, cluster } = findCluster(options, io.env)
  const where = nats.servers.join(', ')
  const display = displayOf(options, io, where)
  const abort = new AbortController()
  let isReaderGone = false
  const forget = onStopSignal((why, count) => {
    if (count > 1) process.exit(EXIT.interrupted)
    isReaderGone = why === 'reader-gone'
    if (!isReaderGone) display.stopping(why === 'SIGINT' || why === 'SIGTERM')
    abort.abort()
  })
  const { signal } = abort
  const settings = { ...wish, nats, cluster, principal: principalOf(options, io.env) }
  try {
    // Credentials of a framework are not those of an operator.
    if (isOpenLocation(nats)) void tellIfNobodyLeads({ options, io }, display)
    const result = options.detach
      ? await detach({ settings, io, display, signal, where })
      : await runCommand({ ...settings, signal }, display)
    // Who has read enough has what they wanted, and nobody pressed a key.
    if (result === undefined || isReaderGone) return EXIT.done
    if (options.detach) display.names(result.instances)
    display.finish(result)
    const code = exitCodeOf(result)
    return code === EXIT.failed && result.isInterrupted ? EXIT.interrupted : code
  } finally {
    display.close()
    forget()
  }
}

/** A framework waits for long, and without a word. Every other fault the run meets itself. */
async function tellIfNobodyLeads(
  { options, io }: Invocation<RunFlags>,
  display: RunDisplay,
): Promise<void> {
  try {
    await withOperator(options, io.env, (client) => client.ask('master', {}))
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'cli/no-leader')
      display.unled(error.message)
  }
}

function displayOf(options: RunFlags, io: Io, where: string): RunDisplay {
  const { instances, json, prefix = instances > 1 && io.columns !== undefined } = options
  const display = { io, clock: systemClock, instances, prefixes: prefix, where }
  return json ? new EventDisplay(display) : new HumanDisplay(display)
}

interface Detached {
  readonly settings: RunOptions
  readonly io: Io
  readonly display: RunDisplay
  readonly signal: AbortSignal
  readonly where: string
}

function detach({ settings, where, ...rest }: Detached): Promise<RunResult | undefined> {
  const { constraints = [], signal: _, ...options } = settings
  const lasting = { failoverMs: DETACHED_FAILOVER_MS, patienceMs: DETACHED_FAILOVER_MS }
  const order = {
    options: { ...options, ...lasting, readsOutput: false },
    constraints: constraints.map(({ text }) => text),
    where,
  }
  return detachRun({ ...rest, order })
}

function wishOf(
  options: RunFlags,
  { env: here }: Io,
): Omit<RunOptions, 'command' | 'nats' | 'cluster'> {
  const { name, role, cpus, mem, disk, gpus, instances, ports, env, user } = options
  const { constraint, restart, timeout } = options
  const health = healthOf(options)
  const image = imageOf(options)
  const root = rootOf(options)
  return {
    cpus,
    mem,
    instances,
    ...(disk !== undefined && { disk }),
    ...(gpus !== undefined && { gpus }),
    ...(name !== undefined && { name }),
    ...(role !== undefined && { role }),
    ...(ports !== undefined && { ports }),
    ...(user !== undefined && { user }),
    ...(constraint !== undefined && { constraints: constraint }),
    ...(restart !== undefined && { restart }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(env !== undefined && { env: environmentOf(env, here) }),
    ...(health !== undefined && { health }),
    ...confinementOf(options),
    ...(image !== undefined && { image }),
    ...(root !== undefined && { root }),
  }
}

/** @throws {ClusterError} `cli/usage`. */
function healthOf(options: RunFlags): HealthWish | undefined {
  const { check: command, checkHttp: path, checkTcp } = options
  const asks: HealthWish['ask'][] = []
  if (command !== undefined) asks.push({ kind: 'command', command })
  if (path !== undefined) asks.push({ kind: 'http', path })
  if (checkTcp) asks.push({ kind: 'tcp' })
  const times = checkTimes(options)
  const [ask] = asks
  if (asks.length > 1)
    throw wrongUse('of --check, --check-http and --check-tcp only one can be given')
  if (ask !== undefined) return { ask, ...times }
  const [idle] = Object.keys(times)
  if (idle === undefined) return undefined
  throw wrongUse('there is no check: add --check, --check-http or --check-tcp')
}

function checkTimes(options: RunFlags): Omit<HealthWish, 'ask'> {
  const { checkDelay, checkInterval, checkTimeout, checkGrace, checkFailures } = options
  return {
    ...(checkDelay !== undefined && { delayMs: checkDelay }),
    ...(checkInterval !== undefined && { intervalMs: checkInterval }),
    ...(checkTimeout !== undefined && { timeoutMs: checkTimeout }),
    ...(checkGrace !== undefined && { graceMs: checkGrace }),
    ...(checkFailures !== undefined && { consecutiveFailures: checkFailures }),
  }
}

function environmentOf(flags: readonly EnvironmentFlag[], here: Io['env']): Record<string, string> {
  return Object.fromEntries(
    flags.map(({ name, value = here[name] }) => {
      if (value === undefined)
        throw wrongUse(`--env ${name}: it is not set here; write ${name}=VALUE`)
      return [name, value]
    }),
  )
}

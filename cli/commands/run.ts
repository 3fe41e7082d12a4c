/** `bourse run -- COMMAND…`: a command on the cluster, as often as wanted, to its end. */
import { systemClock } from '../../bus/clock.ts'
import { exitCodeOf } from '../../frameworks/run/result.ts'
import { type RunOptions, runCommand } from '../../frameworks/run/run.ts'
import type { ExitCode } from '../exit-code.ts'
import { findCluster } from '../find-cluster.ts'
import { withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { humanDisplay, jsonDisplay } from '../run-display.ts'
import { onStopSignal } from '../stop-signals.ts'

export interface RunFlags extends CommandOptions {
  readonly name?: string
  readonly role?: string
  readonly cpus: number
  readonly mem: number
  readonly instances: number
  readonly ports?: number
  readonly env?: readonly EnvironmentFlag[]
  readonly user?: string
  /** In milliseconds. */
  readonly timeout?: number
  /** Absent: on a terminal, when there are several instances. */
  readonly prefix?: boolean
}

export interface EnvironmentFlag {
  readonly name: string
  readonly value: string
}

/** As a shell reports a process that a signal ended. */
const IMPATIENT_CODE = 130

export async function run(
  command: readonly string[],
  { options, io }: Invocation<RunFlags>,
): Promise<ExitCode> {
  const { location, cluster } = findCluster(options, io.env)
  // A cluster without a leader is no cluster, and that is known sooner than a framework can tell.
  await withOperator(options, io.env, (client) => client.ask('master', {}))
  const { instances, json, prefix = instances > 1 && io.columns !== undefined } = options
  const displayOptions = { io, clock: systemClock, instances, prefixes: prefix }
  const display = json ? jsonDisplay(displayOptions) : humanDisplay(displayOptions)
  const abort = new AbortController()
  const forget = onStopSignal((_signal, count) => {
    if (count > 1) process.exit(IMPATIENT_CODE)
    display.say('killing its tasks; once more: leaves at once')
    abort.abort()
  })
  try {
    const settings = { ...settingsOf(options), nats: location, cluster }
    const result = await runCommand({ ...settings, command, signal: abort.signal }, display)
    display.finish(result)
    return exitCodeOf(result)
  } finally {
    display.close()
    forget()
  }
}

function settingsOf(options: RunFlags): Omit<RunOptions, 'command'> {
  const { name, role, cpus, mem, instances, ports, env, user, timeout } = options
  return {
    cpus,
    mem,
    instances,
    ...(name === undefined ? {} : { name }),
    ...(role === undefined ? {} : { role }),
    ...(ports === undefined ? {} : { ports }),
    ...(user === undefined ? {} : { user }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(env === undefined
      ? {}
      : { env: Object.fromEntries(env.map((one) => [one.name, one.value])) }),
  }
}

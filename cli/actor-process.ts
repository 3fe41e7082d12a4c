/** One actor in one process: from its flags until somebody stops it. */
import { jsonLog, type Log, type LogEntry } from '../actors/kit/logger.ts'
import { type ActorWorld, actorWorld } from './actor-world.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { type FoundCluster, findCluster } from './find-cluster.ts'
import type { Io } from './io.ts'
import type { CommandOptions, Invocation } from './options.ts'
import { patiently } from './patience.ts'
import { awaitStop } from './stop-signals.ts'
import { harmless } from './text.ts'

export interface RunningActor {
  /** Resolves when the cluster has taken it in, if that is for the cluster to say. */
  readonly registered?: Promise<void>
  stop(): Promise<void>
}

export interface ActorToRun {
  /** `master m1`: who speaks, for people. */
  readonly name: string
  /** How many servers hold each store; it may ask them. Default 1. */
  readonly replicas?: number | ((found: FoundCluster) => Promise<number>)
  /** `giveUp` ends the process: there is no sense in going on. */
  readonly start: (world: ActorWorld, giveUp: (message: string) => void) => Promise<RunningActor>
}

const STDERR = 2

export async function runActorProcess(
  { name, start, replicas = 1 }: ActorToRun,
  { options, io }: Invocation<CommandOptions>,
): Promise<ExitCode> {
  const log = options.json ? jsonLog({ fd: STDERR }) : sentences(name, io)
  const found = findCluster(options, io.env)
  const stopped = awaitStop().came.then(() => EXIT.done)
  let giveUp: (code: ExitCode) => void = () => undefined
  const gaveUp = new Promise<ExitCode>((resolve) => {
    giveUp = resolve
  })
  const starting = patiently(log, async () => {
    const world = actorWorld({
      found,
      log,
      replicas: typeof replicas === 'number' ? replicas : await replicas(found),
    })
    return start(world, (message) => {
      log({ level: 'error', message })
      giveUp(EXIT.configuration)
    })
  })
  // Who is stopped while it waits has nothing to put in order.
  const actor = await Promise.race([starting, stopped])
  if (actor === EXIT.done) return actor
  const { cluster, location } = found
  const servers = location.servers.join(', ')
  const say = (message: string): void =>
    log({ level: 'info', message, fields: { cluster, servers, pid: process.pid } })
  if (actor.registered === undefined) say('ready')
  else {
    say('started')
    void actor.registered.then(() => say('ready'))
  }
  const code = await Promise.race([stopped, gaveUp])
  await actor.stop()
  return code
}

/** For people: `bourse master m1: leads (epoch 3)`. */
const sentences =
  (name: string, io: Io): Log =>
  ({ level, message, fields }: LogEntry) => {
    const details = Object.entries(fields ?? {}).map(([key, value]) => `${key} ${value}`)
    const more = details.length > 0 ? ` (${details.join(', ')})` : ''
    const mark = level === 'info' ? '' : `${level}: `
    io.printError(harmless(`bourse ${name}: ${mark}${message}${more}`))
  }

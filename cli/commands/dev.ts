/** `bourse dev`: a whole cluster here, until Ctrl-C. Its state stays for the next start. */
import { loadPolicy } from '../../actors/allocator/policies/load.ts'
import type { PolicyChoice } from '../../actors/allocator/policies/words.ts'
import { jsonLog } from '../../actors/kit/logger.ts'
import type { Ending } from '../../actors/kit/supervise.ts'
import { systemClock } from '../../bus/clock.ts'
import {
  announceDev,
  claimDevFile,
  type DevFile,
  devFilePath,
  removeDevFile,
} from '../../bus/nats/dev-file.ts'
import { locateNats } from '../../bus/nats/locate.ts'
import { CLUSTER_DEFAULT } from '../../bus/nats/locate-cluster.ts'
import { devFolder } from '../../bus/nats/state-folder.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { DevCluster, type DevPlan } from '../dev/dev-cluster.ts'
import { requireNoLeader } from '../dev/other-leader.ts'
import type { DevOwner } from '../dev/owner.ts'
import { formatDuration } from '../duration.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { clusterName } from '../find-cluster.ts'
import type { Io } from '../io.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { plural } from '../plural.ts'
import { onStopSignal } from '../stop-signals.ts'
import { harmless } from '../text.ts'

export interface DevOptions extends CommandOptions {
  /** Absent: one, or with `emulate` none. */
  readonly agents?: number
  readonly emulate?: number
  readonly masters: number
  readonly policy?: PolicyChoice
  readonly processes?: boolean
  readonly fresh?: boolean
  readonly port?: number
}

const STDERR = 2

export async function dev({ options, io }: Invocation<DevOptions>): Promise<ExitCode> {
  const { policy } = options
  const plan: DevPlan = {
    ...planOf(options),
    ...(policy && { policy: { text: policy.text, loaded: await loadPolicy(policy, systemClock) } }),
  }
  if (plan.nats !== undefined) await requireNoLeader(plan.cluster, plan.nats)
  const path = devFilePath(io.env)
  const other = claimDevFile(path, plan.cluster)
  if (other !== undefined) throw runsAlready(other)
  const teller = options.json ? forPrograms() : forPeople(io)
  let isStopped = false
  const stopped = new Promise<void>((resolve) => {
    onStopSignal((_signal, count) => {
      if (count > 1) process.exit(EXIT.interrupted)
      isStopped = true
      teller.say('ending tasks and server; Ctrl-C once more leaves at once')
      resolve()
    })
  })
  const folder = devFolder(io.env)
  const running = new DevCluster(ownerOf(folder, io, teller), plan)
  try {
    const started = await running.start(() => isStopped)
    if (started !== undefined) {
      const { url, absent } = started
      announceDev(path, url)
      teller.ready({ url, plan, folder, agents: Math.max(0, plan.agents - absent.length) })
      await stopped
    }
    return EXIT.done
  } finally {
    await running.stop()
    removeDevFile(path)
  }
}

/** @throws {ClusterError} `cli/usage`. */
function planOf(options: DevOptions): DevPlan {
  if (options.nkey !== undefined || options.creds !== undefined)
    throw wrongUse('dev takes neither --nkey nor --creds: its cluster knows no credentials')
  if (options.nats !== undefined && options.port !== undefined)
    throw wrongUse('--port is of a server that dev starts: with --nats there is none')
  const { emulate = 0, agents = emulate > 0 ? 0 : 1, masters, port = 0, nats } = options
  return {
    cluster: clusterName(options) ?? CLUSTER_DEFAULT,
    masters,
    agents,
    emulated: emulate,
    processes: options.processes === true,
    fresh: options.fresh === true,
    port,
    ...(nats === undefined ? {} : { nats }),
  }
}

const ownerOf = (folder: string, { env }: Io, { say }: Teller): DevOwner => ({
  folder,
  env,
  say,
  onEnded(name, { ending, againMs, why }) {
    const again = againMs === undefined ? 'for good' : `starts again in ${formatDuration(againMs)}`
    const last = why === undefined ? '' : `; its last error: ${harmless(why)}`
    say(`${name} ended (${endingText(ending)}): ${again}${last}`)
  },
})

function endingText(ending: Ending): string {
  if ('failed' in ending) return ending.failed
  return 'code' in ending ? `exit ${ending.code}` : `killed by ${ending.signal}`
}

interface Ready {
  readonly url: string
  readonly plan: DevPlan
  readonly folder: string
  /** Of those that do not only pretend: so many have registered. */
  readonly agents: number
}

interface Teller {
  readonly say: (sentence: string) => void
  readonly ready: (ready: Ready) => void
}

function forPrograms(): Teller {
  const log = jsonLog({ fd: STDERR })
  return {
    say: (message) => log({ level: 'info', message }),
    ready({ url, plan: { cluster, emulated }, folder, agents }) {
      const fields = { cluster, url, agents, emulated, folder, pid: process.pid }
      log({ level: 'info', message: 'ready', fields })
    },
  }
}

function forPeople(io: Io): Teller {
  return {
    say: (sentence) => io.printError(`bourse dev: ${sentence}`),
    ready({ url, plan: { cluster, emulated }, folder, agents }) {
      const counts = [
        agents > 0 ? plural(agents, 'agent') : '',
        emulated > 0 ? `${emulated} that only pretend` : '',
      ]
      const what = counts.filter((count) => count !== '').join(' and ') || 'no agents'
      const elsewhere = namedElsewhere(io)
      const flag = elsewhere === undefined ? '' : ` --nats ${url}`
      io.printError(`bourse dev: cluster ${cluster} is ready at ${url}, with ${what}`)
      io.printError(`  state and logs: ${folder}`)
      if (elsewhere !== undefined)
        io.printError(
          `  ${elsewhere} names another server, which is not used: name this one by --nats`,
        )
      io.printError(`  in another terminal:  bourse${flag} run -- hostname`)
      io.printError(`                        bourse${flag} agents`)
      io.printError('  Ctrl-C ends it and its tasks; the next `bourse dev` goes on')
    },
  }
}

/** What makes other commands look for another server, if anything does. */
function namedElsewhere({ env }: Io): string | undefined {
  try {
    return locateNats(undefined, env)?.source
  } catch (error) {
    // A context that is no good is theirs to complain about.
    if (error instanceof ClusterError) return 'the NATS context'
    throw error
  }
}

function runsAlready({ pid, url, cluster }: DevFile): ClusterError {
  const where = url === undefined ? 'and is starting' : `at ${url}, cluster ${cluster}`
  const message = `bourse dev runs already: process ${pid} ${where}`
  return new ClusterError('cli/configuration', 'later', message)
}

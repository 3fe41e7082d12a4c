/** The cluster of a demo: a `bourse dev --processes` of its own, in a folder of its own. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ending } from '../../actors/kit/supervise.ts'
import { findServer } from '../../bus/nats/find-server.ts'
import { DevCluster } from '../../cli/dev/dev-cluster.ts'
import type { ProcessEnd } from '../../cli/dev/owner.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { leftOf, type Traces, tracesOf } from '../left-behind.ts'

/** Of its own server, so any name will do. */
const CLUSTER = 'bourse'
const MASTERS = 2
const AGENTS = 3

export interface ClusterOptions {
  /** See `DemoOptions`. */
  readonly natsServer: string | undefined
  readonly say: (sentence: string) => void
}

export class DemoCluster {
  /** All that it writes lies in here. Hidden, so that nobody counts it. */
  readonly folder = mkdtempSync(join(tmpdir(), '.bourse-demo-'))
  /** Of each process that runs, by its name. */
  readonly pids = new Map<string, number>()
  readonly masterLogs = Array.from({ length: MASTERS }, (_, i) => {
    const name = `master-${i + 1}`
    return { name, path: join(this.folder, 'log', `${name}.jsonl`) }
  })
  readonly #options: ClusterOptions
  readonly #traces: Traces[] = []
  readonly #traced = new Set<string>()
  #dev: DevCluster | undefined
  #url: string | undefined
  /** The first process that ended by itself, and how. */
  #ended: string | undefined

  constructor(options: ClusterOptions) {
    this.#options = options
  }

  /**
   * Starts all; false: `isStopped` was true in between.
   * @throws {ClusterError} `demo/cluster`: a part of it ended at once; as `findServer` and
   * `DevCluster.start`.
   */
  async start(isStopped: () => boolean): Promise<boolean> {
    const { natsServer, say } = this.#options
    const asked = natsServer === undefined ? {} : { path: natsServer }
    const binary = await findServer({
      env: process.env,
      say,
      ...(natsServer === 'fetch' ? { onlyFetched: true } : asked),
    })
    if (isStopped()) return false
    const owner = {
      folder: this.folder,
      env: { ...this.#env(), NATS_SERVER: binary },
      say,
      onStarted: (name: string, pid: number) => void this.pids.set(name, pid),
      onEnded: (name: string, { ending }: ProcessEnd) => {
        this.pids.delete(name)
        this.#ended ??= `${name} ended at once (${endingText(ending)})`
      },
    }
    this.#dev = new DevCluster(owner, {
      cluster: CLUSTER,
      masters: MASTERS,
      agents: AGENTS,
      emulated: 0,
      processes: true,
      fresh: false,
      port: 0,
    })
    const started = await this.#dev.start(() => isStopped() || this.#ended !== undefined)
    this.#url = started?.url
    this.trace()
    if (this.#ended !== undefined) throw new ClusterError('demo/cluster', 'never', this.#ended)
    return this.#url !== undefined
  }

  /** Did any part of it begin to say something? */
  get hasLogs(): boolean {
    return existsSync(join(this.folder, 'log'))
  }

  /** For a framework of this cluster. */
  frameworkEnv(): NodeJS.ProcessEnv {
    return { ...this.#env(), NATS_URL: this.#url }
  }

  /** Looks what there is on the machine of this cluster now, to look for it when all is over. */
  trace(): void {
    this.#traces.push(tracesOf([this.folder]))
  }

  /** The same, at the first task of an agent: what it holds tasks by is there from then on. */
  traceOnce(agentId: string): void {
    if (!this.#traced.has(agentId)) this.trace()
    this.#traced.add(agentId)
  }

  /** Ends tasks, actors and the server. */
  async stop(): Promise<void> {
    this.trace()
    await this.#dev?.stop()
  }

  /** Removes all files; gives what is left on the machine, a line each. */
  clear(): readonly string[] {
    rmSync(this.folder, { recursive: true, force: true })
    return [...new Set(this.#traces.flatMap(leftOf))]
  }

  /** Nothing of another cluster; the folder tells which processes are of this one. */
  #env(): NodeJS.ProcessEnv {
    const others = /^(NATS|BOURSE)_/
    const own = Object.entries(process.env).filter(([name]) => !others.test(name))
    return { ...Object.fromEntries(own), BOURSE_STATE_DIR: this.folder }
  }
}

function endingText(ending: Ending): string {
  if ('failed' in ending) return ending.failed
  return 'code' in ending ? `exit ${ending.code}` : ending.signal
}

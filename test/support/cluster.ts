/** A cluster of real processes: one nats-server, and `bourse` once for each actor. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startTestServer, type TestServer } from './nats.ts'

/** The command, compiled. */
export const BOURSE = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** Should the tests end first, however they do: nothing of theirs goes on. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Line {
  readonly message: string
  readonly [field: string]: unknown
}

interface Waiting {
  readonly message: string
  /** It is to be said so often yet. */
  times: number
  readonly resolve: (line: Line) => void
}

/** One process of `bourse`, with what it logs. */
export class Actor {
  readonly args: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  readonly #on: (...argv: readonly string[]) => [string, ...string[]]
  readonly #waiting = new Set<Waiting>()
  lines: Line[] = []
  #child: ChildProcess | undefined
  #ended: Promise<number | null> = Promise.resolve(null)

  /** `on`: the command line that runs another one on the actor's machine. Default: this machine. */
  constructor(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    on: (...argv: readonly string[]) => [string, ...string[]] = (program = '', ...rest) => [
      program,
      ...rest,
    ],
  ) {
    this.args = args
    this.#env = env
    this.#on = on
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`bourse ${this.args.join(' ')} does not run`)
    return pid
  }

  /** False once it has ended, however it did. */
  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves with its exit code when it is gone, however it ended. */
  get ended(): Promise<number | null> {
    return this.#ended
  }

  /** Resolves when the actor says that it is ready, or an agent that it has started. */
  async start(): Promise<void> {
    this.lines = []
    const [program, ...args] = this.#on(process.execPath, BOURSE, ...this.args, '--json')
    const child = spawn(program, args, {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    this.#ended = new Promise((resolve) => child.once('exit', resolve))
    createInterface({ input: child.stderr }).on('line', (text) => this.#hear(text))
    const early = this.#ended.then(() => {
      throw new Error(`bourse ${this.args.join(' ')} ended: ${JSON.stringify(this.lines)}`)
    })
    await Promise.race([this.says('ready'), this.says('started'), early])
    early.catch(() => undefined)
  }

  #hear(text: string): void {
    const line: Line = text.startsWith('{') ? JSON.parse(text) : { message: text }
    this.lines.push(line)
    for (const waiter of this.#waiting) {
      if (waiter.message !== line.message) continue
      waiter.times -= 1
      if (waiter.times > 0) continue
      this.#waiting.delete(waiter)
      waiter.resolve(line)
    }
  }

  /** Resolves with the line of that message, said so many times since the start, or from now on. */
  says(message: string, times = 1): Promise<Line> {
    const said = this.lines.filter((line) => line.message === message)
    const last = said[times - 1]
    if (last !== undefined) return Promise.resolve(last)
    return new Promise((resolve) =>
      this.#waiting.add({ message, times: times - said.length, resolve }),
    )
  }

  /** Ends it, without mercy or with; resolves with its exit code when it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child?.kill(signal)
    const code = await this.#ended
    this.#child = undefined
    return code
  }
}

export interface Cluster {
  readonly server: TestServer
  /** Below it lies everything that this cluster writes. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** Starts `bourse ARGS`. */
  start(...args: string[]): Promise<Actor>
  /** Ends all actors and the server, and removes the folder. Idempotent. */
  close(): Promise<void>
}

export async function openCluster(): Promise<Cluster> {
  const server = await startTestServer()
  const folder = mkdtempSync(join(tmpdir(), 'bourse-cluster-'))
  const env = { ...process.env, NATS_URL: server.url, BOURSE_STATE_DIR: folder }
  const actors: Actor[] = []
  return {
    server,
    folder,
    env,
    async start(...args) {
      const actor = new Actor(args, env)
      actors.push(actor)
      await actor.start()
      return actor
    },
    async close() {
      for (const actor of actors.splice(0).reverse()) await actor.end()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `bourse ARGS` to its end. */
export function runBourse(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  return runToEnd(process.execPath, [BOURSE, ...args], env)
}

export function runToEnd(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
    })
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

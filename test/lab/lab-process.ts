/** One process of a lab, started, killed and frozen as often as one likes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Line } from '../support/cluster.ts'
import type { LabKind, LabProcess, Proxy, SmallDisk, Wire } from './contract.ts'

export interface ProcessOptions {
  readonly name: string
  readonly kind: LabKind
  /** The whole command line. */
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly workDir: string
  readonly logPath: string
  readonly link?: Proxy
  readonly wire?: Wire
  readonly disk?: SmallDisk
}

interface Waiting {
  readonly message: string
  /** It is to be said so often yet. */
  times: number
  readonly resolve: (line: Line) => void
}

/** How it ended: the code, or null if a signal ended it. */
export type Ended = number | null

export class RealProcess implements LabProcess {
  readonly name: string
  readonly kind: LabKind
  readonly workDir: string
  readonly logPath: string
  readonly link?: Proxy
  readonly wire?: Wire
  readonly disk?: SmallDisk
  lines: Line[] = []
  /** Called when it ends and the lab has not killed it: with its code, or null for a signal. */
  onOwnEnd: (code: Ended, lastLine: string) => void = () => undefined
  readonly #options: ProcessOptions
  readonly #waiting = new Set<Waiting>()
  #child: ChildProcess | undefined
  #isKilled = false
  #ended: Promise<Ended> = Promise.resolve(null)

  constructor(options: ProcessOptions) {
    this.#options = options
    this.name = options.name
    this.kind = options.kind
    this.workDir = options.workDir
    this.logPath = options.logPath
    if (options.link !== undefined) this.link = options.link
    if (options.wire !== undefined) this.wire = options.wire
    if (options.disk !== undefined) this.disk = options.disk
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined || !this.isRunning) throw new Error(`${this.name} does not run`)
    return pid
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** Of the process that was started last: resolves when it has ended. */
  get ended(): Promise<Ended> {
    return this.#ended
  }

  /** Resolves when it is ready, or as an agent has started. Rejects when it ends before that. */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs already`)
    this.lines = []
    const [program = '', ...args] = this.#options.argv
    const child = spawn(program, args, {
      env: this.#options.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    this.#isKilled = false
    const log = openSync(this.logPath, 'a')
    writeSync(log, `${JSON.stringify({ message: 'started by the lab', atMs: Date.now() })}\n`)
    createInterface({ input: child.stderr })
      .on('line', (text) => {
        writeSync(log, `${text}\n`)
        this.#hear(text)
      })
      .once('close', () => closeSync(log))
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code) => {
        if (!this.#isKilled) this.onOwnEnd(code, JSON.stringify(this.lines.at(-1)))
        resolve(code)
      })
      child.once('error', () => resolve(null))
    })
    const early = this.#ended.then((code) => {
      throw new Error(`${this.name} ended (${code}): ${JSON.stringify(this.lines.at(-1))}`)
    })
    early.catch(() => undefined)
    await Promise.race([this.says('ready'), this.says('started'), early])
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#isKilled = true
    this.#child?.kill(signal)
    await this.#ended
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    // One that has just died is not signalled, and nothing is thrown.
    if (this.isRunning) this.#child?.kill('SIGCONT')
  }

  says(message: string, times = 1): Promise<Line> {
    const said = this.lines.filter((line) => line.message === message)
    const last = said[times - 1]
    if (last !== undefined) return Promise.resolve(last)
    return new Promise((resolve) =>
      this.#waiting.add({ message, times: times - said.length, resolve }),
    )
  }

  #hear(text: string): void {
    const line = lineOf(text)
    this.lines.push(line)
    for (const waiter of this.#waiting) {
      if (waiter.message !== line.message) continue
      waiter.times -= 1
      if (waiter.times > 0) continue
      this.#waiting.delete(waiter)
      waiter.resolve(line)
    }
  }
}

/** A process that was killed while it wrote has left a part of a line. */
function lineOf(text: string): Line {
  try {
    const value: Line = JSON.parse(text)
    return value
  } catch {
    return { message: text }
  }
}

/** The process beside the agent that forks recording parents. It may die; nothing is lost by it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Clock } from '../../bus/clock.ts'

/**
 * What the launcher itself runs with; tasks get an environment of their own. First where setsid and
 * env are: each place that is tried before is one more execve for each task.
 */
export const LAUNCHER_ENV = {
  PATH: '/usr/bin:/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin',
  LC_ALL: 'C',
}
/** After one that died young, so that a machine without room for a fork is not kept busy. */
const RESTART_MS = 1000
const CLOSE_MS_MAX = 2000

export interface LauncherOptions {
  readonly script: string
  readonly runtime: string
  readonly clock: Clock
  /** Containers asked for whose record does not exist yet: asked for again after a death. */
  readonly unclaimed: () => readonly string[]
}

export class Launcher {
  readonly #options: LauncherOptions
  #child: ChildProcess | undefined
  readonly #asked: string[] = []
  #startedAtMs = 0
  #restarting = false
  #closed = false

  constructor(options: LauncherOptions) {
    this.#options = options
  }

  /** The launcher's process, if one runs now. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * Asks for one container, together with all others of this turn. To ask twice is harmless: the
   * record is claimed once.
   */
  start(containerId: string): void {
    this.#asked.push(containerId)
    if (this.#asked.length === 1) this.#options.clock.soon(() => this.#ask())
  }

  /** For a launcher that does not answer: it ends when it comes to itself, another goes on. */
  replace(): void {
    this.#child?.stdin?.end()
    this.#lost(this.#child)
  }

  /** What was asked for is still begun. */
  async close(): Promise<void> {
    this.#ask()
    this.#closed = true
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.stdin?.end()
    const gaveUp = new AbortController()
    const timer = this.#options.clock.after(CLOSE_MS_MAX, () => gaveUp.abort())
    // A stopped launcher does not end; its tasks are as safe without us.
    await once(child, 'exit', { signal: gaveUp.signal }).catch(() => child.unref())
    timer.cancel()
  }

  #ask(): void {
    const asked = this.#asked.splice(0)
    if (this.#restarting || asked.length === 0) return
    this.#child ??= this.#spawn()
    this.#child.stdin?.write(`${asked.join('\n')}\n`)
  }

  #spawn(): ChildProcess {
    const { script, runtime, clock } = this.#options
    this.#startedAtMs = clock.now().monotonicMs
    const child = spawn('/bin/sh', [script, runtime], {
      cwd: '/',
      env: LAUNCHER_ENV,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    // Whatever is lost in a broken pipe is asked for again after the exit.
    child.stdin?.on('error', () => {})
    child.on('error', () => this.#lost(child))
    child.on('exit', () => this.#lost(child))
    return child
  }

  #lost(child: ChildProcess | undefined): void {
    if (child !== this.#child || this.#closed) return
    this.#child = undefined
    const { clock, unclaimed } = this.#options
    const again = () => {
      this.#restarting = false
      for (const containerId of unclaimed()) this.start(containerId)
    }
    if (clock.now().monotonicMs - this.#startedAtMs > RESTART_MS) return again()
    this.#restarting = true
    clock.after(RESTART_MS, again)
  }
}

/**
 * A process beside the agent that ends its tasks when no agent has come back for long: nobody can
 * reach them then, and elsewhere they may have been started anew.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../../bus/clock.ts'
import { type ProcessIdentity, readStat } from '../isolator/proc.ts'

/**
 * Waits for the end of its input, which the kernel brings about when the agent dies, however it
 * does. Then it sleeps, and becomes the program that ends the tasks: no poll, and nobody to ask.
 */
const SCRIPT = `\
while read -r word; do [ "$word" = stop ] && exit; done
sleep "$1" || exit
shift
exec "$@"`

/** After one that died, so that a machine without room for a fork is not kept busy. */
const RESTART_MS = 1_000

export interface WatchOptions {
  /** So long the tasks go on without an agent. */
  readonly timeoutMs: number
  /** Run after that. */
  readonly command: readonly string[]
  readonly clock: Clock
  /** The next agent ends this one. */
  readonly onStarted: (watcher: ProcessIdentity) => void
}

export class Watch {
  readonly #options: WatchOptions
  #child: ChildProcess | undefined
  #closed = false

  constructor(options: WatchOptions) {
    this.#options = options
    this.#spawn()
  }

  /** `idle`: no task is left that it could watch. Else it begins to count. */
  close(idle: boolean): void {
    this.#closed = true
    if (idle) this.#child?.stdin?.write('stop\n')
    this.#child?.stdin?.end()
    this.#child?.unref()
  }

  #spawn(): void {
    const { timeoutMs, command, clock, onStarted } = this.#options
    const args = ['-c', SCRIPT, 'bourse-watch', String(timeoutMs / 1_000), ...command]
    const child = spawn('/bin/sh', args, {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#child = child
    child.stdin?.on('error', () => {})
    const again = (): void => {
      if (child !== this.#child || this.#closed) return
      this.#child = undefined
      clock.after(RESTART_MS, () => this.#closed || this.#spawn())
    }
    // Where there is no file left to open, `close` does not come.
    child.on('error', again)
    child.on('close', again)
    const { pid } = child
    if (pid !== undefined) onStarted({ pid, startTicks: readStat(pid)?.startTicks ?? 0 })
  }
}

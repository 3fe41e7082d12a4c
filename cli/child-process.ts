/** An actor in a process of its own, that ends when we do. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Child, Ending } from '../actors/kit/supervise.ts'

const MAIN = fileURLToPath(new URL('main.js', import.meta.url))

export interface BourseChild extends Child {
  /** Undefined: it never began. */
  readonly pid: number | undefined
}

export interface BourseOptions {
  /** What it says is appended to this file. */
  readonly logPath: string
  readonly env: NodeJS.ProcessEnv
}

/** Starts `bourse` with `args`. */
export function startBourse(args: readonly string[], { logPath, env }: BourseOptions): BourseChild {
  const logFd = openSync(logPath, 'a')
  // In a group of its own: a Ctrl-C at the terminal is for us. The channel tells it of our death.
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...args], {
    detached: true,
    stdio: ['ignore', logFd, logFd, 'ipc'],
    env,
  })
  closeSync(logFd)
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', ({ message }) => resolve({ failed: message }))
    child.once('exit', (code, signal) =>
      resolve(code === null ? { signal: signal ?? 'unknown' } : { code }),
    )
  })
  return { pid: child.pid, ended, signal: (signal) => void child.kill(signal) }
}

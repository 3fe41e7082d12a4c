/** Programs of others that Bourse is held against, run by the bench and by nobody else. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { createConnection } from 'node:net'
import { delimiter, join } from 'node:path'
import { sleep } from '../../../bus/clock.ts'
import type { CpuGroup } from './cpu-group.ts'

/** The peer is not here: nothing is wrong, but nothing can be compared. */
export class MissingPeer extends Error {
  override readonly name = 'MissingPeer'
}

const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin']

/** @throws {MissingPeer} when one of them is not installed; `how` says how to get it. */
export function findPrograms(how: string, ...names: readonly string[]): readonly string[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SERVER_FOLDERS]
  return names.map((name) => {
    const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
    if (found === undefined) throw new MissingPeer(`${name} is not installed: ${how}`)
    return found
  })
}

/** What still runs when the bench ends, however it does, is ended with it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Daemon {
  readonly pid: number
  /** Resolves when it has ended. */
  end(): Promise<void>
}

/** A server in the foreground; what it says goes into the file `log`. */
export function startDaemon(
  [program, ...args]: readonly [string, ...string[]],
  { log, group, env }: { log: string; group: CpuGroup; env?: NodeJS.ProcessEnv },
): Daemon {
  const fd = openSync(log, 'a')
  const child = spawn(program, args, {
    stdio: ['ignore', fd, fd],
    env: { ...process.env, ...env },
  })
  running.add(child)
  const gone = new Promise<void>((resolve) => {
    const done = (): void => {
      running.delete(child)
      resolve()
    }
    child.once('exit', done)
    child.once('error', done)
  })
  if (child.pid === undefined) throw new Error(`${program} does not start`)
  group.add(child.pid)
  return {
    pid: child.pid,
    async end() {
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** Runs to its end. @throws when it fails, with what it said. */
export function runCommand(
  argv: readonly string[],
  { env }: { env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (data: Buffer) => {
      said.stdout += data.toString()
    })
    child.stderr.on('data', (data: Buffer) => {
      said.stderr += data.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(said.stdout)
      else reject(new Error(`${argv.join(' ')} ended with ${code}: ${said.stderr.trim()}`))
    })
  })
}

const LOOK_MS = 20
const LOOKS_MAX = 500

/** Resolves when somebody listens on that port of loopback. */
export async function listens(port: number): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ port, host: '127.0.0.1' }, () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => socket.end())
    })
    if (isOpen) return
    await sleep(LOOK_MS)
  }
  throw new Error(`nobody listens on port ${port}`)
}

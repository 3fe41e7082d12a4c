/** The word count as a process of its own, heard by its lines of JSON. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { CountEvent } from '../../examples/word-count/report.ts'
import { ClusterError } from '../../protocol/errors.ts'

const MAIN = fileURLToPath(new URL('../../examples/word-count/main.js', import.meta.url))

export interface FrameworkProcess {
  /**
   * Resolves when it has ended well. @throws {ClusterError} `demo/framework`: what it said instead.
   */
  readonly ended: Promise<void>
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
}

export interface FrameworkOptions {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly onEvent: (event: CountEvent) => void
}

export function startFramework({ folder, env, onEvent }: FrameworkOptions): FrameworkProcess {
  // In a group of its own: a Ctrl-C at the terminal is for us. The channel tells it of our death.
  const child = spawn(process.execPath, [MAIN, '--json', '--', folder], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env,
  })
  const { stdout, stderr } = child
  assert(stdout !== null && stderr !== null, 'both are pipes')
  const heard = new Promise<void>((resolve) => {
    createInterface({ input: stdout })
      .on('line', (line) => onEvent(JSON.parse(line)))
      .once('close', resolve)
  })
  const said = text(stderr)
  const closed = new Promise<readonly [number | null, string | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve([code, signal]))
  })
  const ended = closed.then(async ([code, signal]) => {
    await heard
    if (code === 0) return
    const how = (await said).trim() || `the framework ended with ${signal ?? code}`
    throw new ClusterError('demo/framework', 'never', how)
  })
  // Whoever stops early does not wait for it.
  ended.catch(() => undefined)
  return { ended, signal: (name) => void child.kill(name) }
}

/** A cluster of our own: `bourse dev` with agents that only pretend, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ClusterError } from '../../actors/scheduler/scheduler.ts'

const BOURSE = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

export interface OwnCluster extends AsyncDisposable {
  readonly url: string
  readonly agents: readonly string[]
  /** Rejects when it ends by itself. */
  readonly lost: Promise<never>
}

/** @throws {ClusterError} `locality/cluster`: it ended at once, and said why. */
export async function openCluster(agents: number): Promise<OwnCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-locality-'))
  const argv = [BOURSE, 'dev', '--json', '--emulate', String(agents)]
  // The channel tells it of our death, where we have no time to end it.
  const dev = spawn(process.execPath, argv, {
    env: ownEnvironment(folder),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  // However this process ends: nothing of it goes on.
  const clear = (): void => {
    dev.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', clear)
  const close = async (): Promise<void> => {
    await endOf(dev)
    process.removeListener('exit', clear)
    clear()
  }
  try {
    const url = await urlOf(dev)
    const names = Array.from({ length: agents }, (_, i) => `emulated-${i + 1}`)
    return { url, agents: names, lost: lossOf(dev), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function lossOf(dev: ChildProcess): Promise<never> {
  await once(dev, 'exit')
  throw new ClusterError('locality/cluster', 'never', 'the cluster has ended')
}

/** Nothing of another cluster, but the server that is to be used. */
function ownEnvironment(folder: string): NodeJS.ProcessEnv {
  const others = /^(NATS|BOURSE)_(?!SERVER$)/
  const own = Object.entries(process.env).filter(([name]) => !others.test(name))
  return { ...Object.fromEntries(own), BOURSE_STATE_DIR: folder }
}

async function urlOf(dev: ChildProcess): Promise<string> {
  const said: string[] = []
  if (dev.stderr === null) throw new Error('its stderr is a pipe')
  for await (const text of createInterface({ input: dev.stderr })) {
    const line: unknown = text.startsWith('{') ? JSON.parse(text) : { message: text }
    const { message, url } = line as { readonly message: string; readonly url?: string }
    if (message === 'ready' && url !== undefined) return url
    said.push(message)
  }
  throw new ClusterError('locality/cluster', 'never', said.join('; '))
}

async function endOf(dev: ChildProcess): Promise<void> {
  if (dev.exitCode !== null || dev.signalCode !== null) return
  const exit = once(dev, 'exit')
  dev.kill('SIGINT')
  await exit
}

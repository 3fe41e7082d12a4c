/** The nats-server of a `bourse dev`: found or fetched, and started again if it dies. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Child, type Ending, supervise } from '../../actors/kit/supervise.ts'
import { systemClock } from '../../bus/clock.ts'
import { findServer } from '../../bus/nats/find-server.ts'
import { type RunningServer, startServer } from '../../bus/nats/server.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { DevOwner } from './owner.ts'

export interface DevServer {
  readonly url: string
  stop(): Promise<void>
}

const STOP_MS = 10_000

/** `port` 0: that of the last start if it is free, so that who is connected finds it again. */
export async function startDevServer(owner: DevOwner, port: number): Promise<DevServer> {
  const { folder, env, say } = owner
  const binary = await findServer({ env, say })
  const storeDir = join(folder, 'nats')
  const portFile = join(folder, 'port')
  const first = await (port > 0
    ? startOn(port, { binary, storeDir })
    : startAgain(lastPort(portFile), { binary, storeDir }))
  writeFileSync(portFile, `${first.port}\n`)
  let running: Promise<RunningServer> | undefined = Promise.resolve(first)
  const start = (): Child => {
    const server = running ?? startServer({ binary, storeDir, port: first.port })
    running = undefined
    return childOf(server)
  }
  const supervisor = supervise({
    start,
    clock: systemClock,
    onEnded: (ending, againMs) => owner.onEnded('nats-server', { ending, againMs, why: undefined }),
  })
  return { url: first.url, stop: () => supervisor.stop(STOP_MS) }
}

/** @throws {ClusterError} `cli/configuration`: somebody else has the port; as `startServer`. */
async function startOn(
  port: number,
  options: { readonly binary: string; readonly storeDir: string },
): Promise<RunningServer> {
  try {
    return await startServer({ ...options, port })
  } catch (error) {
    const problem = await whyNotOn(port)
    if (problem === undefined) throw error
    const cure =
      'give another one by --port, or use the server that is there by --nats with another --cluster'
    const message = `port ${port} ${problem}: ${cure}`
    throw new ClusterError('cli/configuration', 'later', message, { cause: error })
  }
}

function whyNotOn(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EACCES' ? 'is for root only' : 'is in use'),
    )
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(undefined)))
  })
}

/** On the last port, else on a free one: a stranger may have taken it meanwhile. */
async function startAgain(
  port: number,
  options: { readonly binary: string; readonly storeDir: string },
): Promise<RunningServer> {
  try {
    return await startServer({ ...options, port })
  } catch (error) {
    if (port === 0 || !(error instanceof ClusterError) || error.code !== 'bus/server-failed') {
      throw error
    }
    return startServer(options)
  }
}

/** 0: there was none, or what stands there is no port. */
function lastPort(path: string): number {
  const port = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0
}

function childOf(starting: Promise<RunningServer>): Child {
  const ended = starting.then(
    (server): Promise<Ending> => server.ended,
    // The port or the store may be free a little later.
    (error: unknown): Ending => {
      if (!(error instanceof ClusterError)) throw error
      return { code: 1 }
    },
  )
  const signal = (): void => void starting.then((server) => server.stop()).catch(() => undefined)
  return { ended, signal }
}

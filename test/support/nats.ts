/** A NATS server for tests: found or fetched, on a free port, its store in a temporary folder. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServer } from '../../bus/nats/find-server.ts'
import { packageConfig, type RunningServer, startServer } from '../../bus/nats/server.ts'

export interface TestServer {
  readonly url: string
  readonly pid: number
  readonly logPath: string
  readonly storeDir: string
  /** All its files lie in here. */
  readonly folder: string
  /** Ends the server, without mercy or with. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Starts it again on the same port, with the store as it was left or without. */
  restart(stores: 'kept' | 'lost'): Promise<void>
  /** Ends it and removes its files. */
  close(): Promise<void>
}

export const testBinary = (): Promise<string> =>
  findServer({ env: process.env, say: () => undefined })

/** `more`: lines for its configuration, behind those of the package's. */
export async function startTestServer(more = ''): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-nats-'))
  const configPath = join(folder, 'nats.conf')
  writeFileSync(configPath, `${readFileSync(packageConfig(), 'utf8')}${more}`)
  return await serverIn(folder, { configPath })
}

/** Starts one with its store in `folder`, which it then owns. `port`: default a free one. */
export async function serverIn(
  folder: string,
  config: { readonly configPath: string; readonly port?: number },
): Promise<TestServer> {
  const binary = await testBinary()
  const storeDir = join(folder, 'store')
  const start = (port: number | undefined): Promise<RunningServer> =>
    startServer({ ...config, binary, storeDir, ...(port !== undefined && { port }) })
  let server = await start(config.port)
  const { url, port, logPath } = server
  return {
    url,
    get pid() {
      return server.pid
    },
    logPath,
    storeDir,
    folder,
    async end(signal) {
      process.kill(server.pid, signal)
      await server.ended
    },
    async restart(stores) {
      if (stores === 'lost') rmSync(storeDir, { recursive: true })
      server = await start(port)
    },
    async close() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

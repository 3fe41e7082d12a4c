/** A NATS server of our own, on loopback, for as long as its owner lives. */
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { ClusterError } from '../../protocol/errors.ts'
import { sleep, systemClock } from '../clock.ts'
import { makeFolder } from '../make-folder.ts'
import { type Guarded, type ProcessEnd, startGuarded } from './guardian.ts'

/** It answers in 50 ms; reading a large store back takes longer. */
const READY_MS = 60_000
/** A server whose owner has just died is killed after ten seconds if it does not end. */
const PATIENCE_MS = 12_000
const STOP_MS = 5_000
const LOOK_MS = 10
const PROBE_MS = 500
const LOG_TAIL_LENGTH = 300

export interface ServerOptions {
  /** From `findServer`. */
  readonly binary: string
  /** Default: the `nats.conf` of the package. */
  readonly configPath?: string
  /**
   * Made if need be. The files of this module lie beside it, named `<store>-server.log`,
   * `<store>-server.pid`.
   */
  readonly storeDir: string
  /** 0, the default: one that is free. */
  readonly port?: number
  /** How long an earlier server may take to leave the store. Default 12 s. */
  readonly patienceMs?: number
}

export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly logPath: string
  /** Resolves when it has ended, by `stop` or by itself. */
  readonly ended: Promise<ProcessEnd>
  /** Lets it end in order; kills it if it does not. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts nats-server with JetStream; a second start on a store goes on with its state.
 * @throws {ClusterError} `bus/store-in-use`: another server of ours has it open.
 * `bus/server-failed`: it ended at once or did not answer; the message holds its last words.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { binary, configPath = packageConfig(), port = 0 } = options
  const storeDir = resolve(options.storeDir)
  const folder = dirname(storeDir)
  const [logPath, pidPath] = [`${storeDir}-server.log`, `${storeDir}-server.pid`]
  makeFolder(storeDir)
  if (!(await poll(options.patienceMs ?? PATIENCE_MS, () => !isOpen(storeDir, pidPath))))
    throw new ClusterError('bus/store-in-use', 'later', `${storeDir} is open: see ${pidPath}`)
  const flags = ['-c', configPath, '-a', '127.0.0.1', '-p', String(port || -1), '-js']
  const files = ['-sd', storeDir, '-P', pidPath, '-l', logPath, '--ports_file_dir', folder]
  const logFd = openSync(logPath, 'a')
  const server = await startGuarded([binary, ...flags, ...files], logFd)
  closeSync(logFd)
  const stop = async (): Promise<void> => {
    server.signal('SIGTERM')
    const timer = systemClock.after(STOP_MS, () => server.signal('SIGKILL'))
    await server.ended
    timer.cancel()
    rmSync(pidPath, { force: true })
  }
  try {
    const portsPath = join(folder, `${basename(binary)}_${server.pid}.ports`)
    const bound = await readPort(portsPath, server)
    await answers(bound, server)
    const url = `nats://127.0.0.1:${bound}`
    return { url, port: bound, pid: server.pid, logPath, ended: server.ended, stop }
  } catch (cause) {
    await stop()
    const message = `${binary} did not start: ${lastWords(readText(logPath))}; see ${logPath}`
    throw new ClusterError('bus/server-failed', 'later', message, { cause })
  }
}

/** The last line of a log, without who said it and when. */
const lastWords = (log: string): string =>
  (log.trim().split('\n').at(-1) ?? '')
    .replace(/^\[\d+\] [\d/]+ [\d:.]+ /, '')
    .slice(-LOG_TAIL_LENGTH)

/** `nats.conf` at the root of the package, however deep the compiled files lie. */
export function packageConfig(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'nats.conf')
    if (existsSync(path)) return path
  }
  throw new ClusterError('bus/server-failed', 'never', 'the package lacks its nats.conf')
}

/** Does a server of ours have the store open? Two would ruin it. */
function isOpen(storeDir: string, pidPath: string): boolean {
  const pid = Number(readText(pidPath))
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // Where there is no /proc, any process of that number will do.
  const command = readText(`/proc/${pid}/cmdline`)
  return command === '' ? !existsSync('/proc/self') : command.split('\0').includes(storeDir)
}

/** The server writes the file when it listens. */
async function readPort(path: string, server: Guarded): Promise<number> {
  let port = 0
  const isDone = await poll(READY_MS, () => {
    port = Number(/"nats:\/\/127\.0\.0\.1:(\d+)"/.exec(readText(path))?.[1])
    return port > 0 || !server.isRunning
  })
  rmSync(path, { force: true })
  if (!isDone || !(port > 0)) throw new Error('it never listened')
  return port
}

/** A greeting that offers JetStream. */
async function answers(port: number, server: Guarded): Promise<void> {
  let hasJetStream = false
  const isDone = await pollAsync(READY_MS, async () => {
    hasJetStream = /"jetstream":\s*true/.test(await greeting(port))
    return hasJetStream || !server.isRunning
  })
  if (!isDone || !hasJetStream) throw new Error('it listens but offers no JetStream')
}

function greeting(port: number): Promise<string> {
  return new Promise((resolved) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const finish = (text: string): void => {
      socket.destroy()
      resolved(text)
    }
    socket.setTimeout(PROBE_MS, () => finish(''))
    socket.once('error', () => finish(''))
    socket.once('data', (data) => finish(data.toString()))
  })
}

const poll = (limitMs: number, isDone: () => boolean): Promise<boolean> =>
  pollAsync(limitMs, () => Promise.resolve(isDone()))

async function pollAsync(limitMs: number, isDone: () => Promise<boolean>): Promise<boolean> {
  const endMs = systemClock.now().monotonicMs + limitMs
  while (!(await isDone())) {
    if (systemClock.now().monotonicMs > endMs) return false
    await sleep(LOOK_MS)
  }
  return true
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there yet, or not any more.
    return ''
  }
}

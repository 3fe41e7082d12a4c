/** BullMQ, a queue of jobs on Redis: neither is a dependency, so both are found, not assumed. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../child.ts'
import type { ProducerAsk, ProducerStart } from './bullmq-producer.ts'
import type { WorkerAsk, WorkerStart } from './bullmq-worker.ts'
import type { CpuGroup } from './cpu-group.ts'
import { findPrograms, freePorts, MissingPeer, startDaemon } from './peer.ts'

export const BULLMQ = ['bullmq@6.7.0', 'ioredis@5.11.1'] as const
export const QUEUE = 'bench'
const HOW = 'apt-get install redis-server (Debian)'

/** As much of the package as is used here. */
export interface BullMq {
  readonly Queue: new (name: string, options: Options) => Queue
  readonly QueueEvents: new (name: string, options: Options) => Closing
  readonly Worker: new (
    name: string,
    work: () => Promise<void>,
    options: Options & { readonly concurrency: number },
  ) => Closing & { on(event: 'completed', listener: () => void): void }
}

export interface Options {
  readonly connection: { readonly host: string; readonly port: number }
  readonly defaultJobOptions?: { readonly removeOnComplete: boolean }
}

interface Closing {
  waitUntilReady(): Promise<unknown>
  close(): Promise<void>
}

interface Queue extends Closing {
  add(name: string, data: object): Promise<Job>
  addBulk(jobs: readonly { readonly name: string; readonly data: object }[]): Promise<unknown>
}

interface Job {
  /** Resolves when it has ended, as Redis tells those who listen. */
  waitUntilFinished(events: Closing): Promise<unknown>
}

/** Where npm was told to put it. */
export function bullMqFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'bourse', 'bench')
}

export const loadBullMq = (folder: string): BullMq =>
  createRequire(join(folder, 'package.json'))('bullmq') as BullMq

export const connectionTo = (port: number): Options => ({ connection: { host: '127.0.0.1', port } })

export interface Redis {
  /** Processes of users of the queue: one that adds, one that works. */
  openWorker(work: WorkerStart['work'], concurrency: number): Promise<Child<WorkerAsk, object>>
  openProducer(): Promise<Child<ProducerAsk, { elapsedMs: number }>>
  close(): Promise<void>
}

/** Redis without persistence. @throws {MissingPeer} when it or the package is not installed. */
export async function openRedis(group: CpuGroup): Promise<Redis> {
  const [redis = ''] = findPrograms(HOW, 'redis-server')
  const packages = bullMqFolder(process.env)
  if (!existsSync(join(packages, 'node_modules', 'bullmq'))) {
    const install = `npm install --ignore-scripts --prefix ${packages} ${BULLMQ.join(' ')}`
    throw new MissingPeer(`bullmq is not installed: ${install}`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'bourse-redis-'))
  const [port = 0] = await freePorts(1)
  const unsaved = ['--save', '', '--appendonly', 'no', '--dir', folder]
  const log = join(folder, 'log')
  const daemon = startDaemon([redis, '--port', String(port), '--bind', '127.0.0.1', ...unsaved], {
    log,
    group,
  })
  const open = async <Ask extends object, Answer>(file: string, start: object) => {
    const child = await startChild<Ask, Answer>(file, start)
    group.add(child.pid)
    return child
  }
  return {
    openWorker: (work, concurrency) =>
      open('versus/bullmq-worker.ts', {
        folder: packages,
        port,
        work,
        concurrency,
      } satisfies WorkerStart),
    openProducer: () =>
      open('versus/bullmq-producer.ts', { folder: packages, port } satisfies ProducerStart),
    async close() {
      await daemon.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

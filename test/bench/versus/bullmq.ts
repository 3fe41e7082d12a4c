/** BullMQ, a queue of jobs on Redis: no dependency of the project, so it is found, not assumed. */
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '../../../bus/clock.ts'

export const BULLMQ = ['bullmq@6.7.0', 'ioredis@5.11.1'] as const
export const QUEUE = 'bench'

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
  readonly defaultJobOptions?: { readonly removeOnComplete: { readonly count: number } }
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

const CLOSE_MS = 2_000

/** A Redis that has gone would be waited for, for ever. */
export async function closeAll(...open: readonly Closing[]): Promise<void> {
  const closed = Promise.all(open.map((one) => one.close()))
  await Promise.race([closed, sleep(CLOSE_MS)])
}

export const connectionTo = (port: number): Options => ({ connection: { host: '127.0.0.1', port } })

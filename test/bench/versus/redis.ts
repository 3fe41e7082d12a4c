/** Redis, and processes that use the queue on it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../support/free-ports.ts'
import { type Child, startChild } from '../child.ts'
import { BULLMQ, bullMqFolder } from './bullmq.ts'
import type { ProducerAsk, ProducerStart } from './bullmq-producer.ts'
import type { WorkerAsk, WorkerStart } from './bullmq-worker.ts'
import type { CpuGroup } from './cpu-group.ts'
import { findPrograms, listens, MissingPeer, startDaemon } from './peer.ts'

const HOW = 'apt-get install redis-server (Debian)'

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
  const port = await freePort()
  const unsaved = ['--save', '', '--appendonly', 'no', '--dir', folder]
  const log = join(folder, 'log')
  const daemon = startDaemon([redis, '--port', String(port), '--bind', '127.0.0.1', ...unsaved], {
    log,
    group,
  })
  await listens(port)
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

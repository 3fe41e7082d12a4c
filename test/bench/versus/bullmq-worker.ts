/** Works off a queue of BullMQ, and says when so many jobs are completed. */
import { spawn } from 'node:child_process'
import { serveParent } from '../child.ts'
import { closeAll, connectionTo, loadBullMq, QUEUE } from './bullmq.ts'

export interface WorkerStart {
  /** Where the package is. */
  readonly folder: string
  readonly port: number
  /** Nothing, or the process `true`. */
  readonly work: 'nothing' | 'process'
  readonly concurrency: number
}

/** Answered when so many were completed since the last answer. */
export interface WorkerAsk {
  readonly completed: number
}

const { folder, port, work, concurrency } = JSON.parse(process.argv[2] ?? '{}') as WorkerStart

function startProcess(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('true', { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
}

const { Worker } = loadBullMq(folder)
const worker = new Worker(QUEUE, work === 'process' ? startProcess : async () => undefined, {
  ...connectionTo(port),
  concurrency,
})
let completed = 0
let onCompleted: () => void = () => undefined
worker.on('completed', () => {
  completed += 1
  onCompleted()
})
await worker.waitUntilReady()

serveParent<WorkerAsk, object>(
  (ask) =>
    new Promise((resolve) => {
      onCompleted = () => {
        if (completed < ask.completed) return
        onCompleted = () => undefined
        completed -= ask.completed
        resolve({})
      }
      onCompleted()
    }),
  () => closeAll(worker),
)

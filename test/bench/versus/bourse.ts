/** Bourse as it is compared: each actor in its process, one agent, a framework that launches. */
import { type BenchCluster, openBenchCluster } from '../bench-cluster.ts'
import { type Child, startChild } from '../child.ts'
import type { LoadAnswer, LoadAsk, LoadStart } from '../load.ts'
import { type CpuGroup, openCpuGroup } from './cpu-group.ts'

const RESOURCES = { cpus: 1, mem: 32 }
const MEM_PER_SLOT = 64

export interface BourseOptions {
  /** How many tasks the agent has room for. */
  readonly slots: number
  /** Its tasks are processes, or only pretend. */
  readonly tasks: 'real' | 'pretended'
}

/** Opens a framework that has no more than so many tasks at once, for one piece of work. */
export interface Bourse {
  readonly cluster: BenchCluster
  readonly group: CpuGroup
  openLoad(inFlightMax?: number): Promise<Child<LoadAsk, LoadAnswer>>
  close(): Promise<void>
}

export async function openBourse({ slots, tasks }: BourseOptions): Promise<Bourse> {
  const group = openCpuGroup('bourse')
  const resources = `cpus:${slots};mem:${slots * MEM_PER_SLOT}`
  const cluster = await openBenchCluster({ emulated: tasks === 'real' ? 0 : 1, resources })
  await cluster.registered(1)
  for (const pid of Object.values(cluster.pids)) group.add(pid)
  return {
    cluster,
    group,
    async openLoad(inFlightMax) {
      const start: LoadStart = {
        nats: cluster.url,
        frameworks: 1,
        prefix: `at-most-${inFlightMax ?? 'any'}`,
        resources: RESOURCES,
        command: ['true'],
        pretendMs: 0,
        ...(inFlightMax !== undefined && { inFlightMax }),
      }
      const load = await startChild<LoadAsk, LoadAnswer>('load.ts', start)
      group.add(load.pid)
      return load
    },
    async close() {
      await cluster.close()
      group.close()
    },
  }
}

/** What rows that break NATS servers look at. */
import { natsSystem } from '../../../bus/nats/system.ts'
import { leaseBucket, registryLog } from '../../../protocol/subjects.ts'
import type { LabCluster, LabServer } from '../../lab/contract.ts'
import { streamFacts } from '../../support/nats-cluster.ts'
import { inTime, type Scene } from '../scene.ts'

/** Resolves when all agents that are there have run a task that was launched from now on. */
export async function allRan({ lab, probe }: Pick<Scene, 'lab' | 'probe'>): Promise<void> {
  const there = lab.agents.filter(({ isRunning }) => isRunning)
  for (const { name } of there) await inTime(probe.ran(name), `a task on ${name}`)
}

/** How often a master of the lab has said that it lost the lead. */
export const leadsLost = ({ masters }: LabCluster): number =>
  masters.flatMap(({ lines }) => lines).filter(({ message }) => message === 'lost the lead').length

export interface BusWatch {
  /** Resolves when a connection that is or gets lost is there again. */
  back(): Promise<void>
  /** Who leads that stream among its servers. Undefined: nobody says. */
  leaderOf(stream: string): Promise<LabServer | undefined>
  close(): Promise<void>
}

/** A connection like those of the actors. */
export async function watchBus({ servers }: LabCluster): Promise<BusWatch> {
  const location = { servers: servers.map(({ url }) => url), source: 'test' }
  const bus = await natsSystem({ location }).connect({ name: 'watches' })
  return {
    back: () =>
      new Promise((resolve) => {
        const subscription = bus.onState((state) => {
          if (state !== 'connected') return
          subscription.close()
          resolve()
        })
      }),
    async leaderOf(stream) {
      const leader = (await streamFacts(bus, stream))?.cluster?.leader
      return servers.find(({ name }) => name === leader)
    },
    close: () => bus.close(),
  }
}

export const LEASE_STREAM = `KV_${leaseBucket('bourse')}`
export const REGISTRY_STREAM = registryLog('bourse')

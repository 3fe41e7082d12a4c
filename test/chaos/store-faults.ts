/** Servers that die, stand still, and come back with another store; disks that are full. */
import type { LabCluster, LabServer } from '../lab/contract.ts'
import { type FaultKind, processOf, type Scope, seconds } from './fault.ts'

const DEAD_MS: readonly [number, number] = [100, 5_000]
const FROZEN_MS: readonly [number, number] = [100, 15_000]
const FULL_MS: readonly [number, number] = [500, 8_000]
/** A store's copy is so old when it takes its place. */
const OLD_MS: readonly [number, number] = [1_000, 10_000]
/**
 * Stands for what three servers may lose at once: one store. Two of them that have forgotten whom
 * they voted for can make two leaders of one term, and JetStream is then of no use until somebody
 * begins all its stores anew (row 37 of the faults).
 */
const ONE_STORE = 'a store of the servers'

function serverOf({ servers }: LabCluster, name: string): LabServer {
  const found = servers.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no ${name} in this lab`)
  return found
}

const freezeServer: FaultKind = {
  kind: 'freeze server',
  weight: 2,
  draw(dice, { servers }) {
    const name = dice.pick(servers)
    const ms = dice.span(...FROZEN_MS)
    return {
      kind: 'freeze server',
      what: `freeze server ${name} for ${seconds(ms)}`,
      targets: [name],
      affected: {},
      withinMs: 20_000,
      async strike({ lab, sleep }) {
        const server = serverOf(lab, name)
        server.freeze()
        await sleep(ms)
        server.thaw()
      },
    }
  },
}

const restart = (store: 'kept' | 'empty' | 'copy', weight: number): FaultKind => ({
  kind: `store ${store}`,
  weight,
  draw(dice, { servers }) {
    const name = dice.pick(servers)
    const [oldMs, deadMs] = [dice.span(...OLD_MS), dice.span(...DEAD_MS)]
    const which = { kept: 'its store', empty: 'an empty store', copy: `one ${seconds(oldMs)} old` }
    return {
      kind: `store ${store}`,
      what: `kill -9 server ${name}, back after ${seconds(deadMs)} with ${which[store]}`,
      targets: store === 'kept' ? [name] : [name, ONE_STORE],
      affected: {},
      withinMs: 20_000,
      async strike({ lab, sleep }) {
        const server = serverOf(lab, name)
        if (store === 'copy') {
          server.copyStore()
          await sleep(oldMs)
        }
        await server.kill()
        await sleep(deadMs)
        await server.restart({ store })
      },
    }
  },
})

const full = (which: 'masters' | 'agents' | 'servers'): FaultKind => ({
  kind: `full ${which.slice(0, -1)}`,
  weight: 1,
  needs: 'disks',
  draw(dice, scope: Scope) {
    const name = dice.pick(scope[which])
    const ms = dice.span(...FULL_MS)
    return {
      kind: `full ${which.slice(0, -1)}`,
      what: `the disk of ${name} is full for ${seconds(ms)}`,
      targets: [name],
      affected: which === 'agents' ? { agentId: name } : {},
      withinMs: 20_000,
      async strike({ lab, sleep, revive }) {
        const one = which === 'servers' ? undefined : processOf(lab, name)
        const disk = (one ?? serverOf(lab, name)).disk
        if (disk === undefined) throw new Error(`${name} has no disk of its own`)
        const isOver = which === 'agents' ? lab.observer.excuse(name) : () => undefined
        disk.fill()
        await sleep(ms)
        disk.free()
        isOver()
        // Who could not go on has ended, and a supervisor would start it again.
        if (one !== undefined) await revive(one)
        // It has given its stores up when it could not write, and takes them up at its next start.
        else await serverOf(lab, name).restart({ store: 'kept' })
      },
    }
  },
})

export const STORE_FAULTS: readonly FaultKind[] = [
  freezeServer,
  restart('kept', 2),
  restart('empty', 1),
  restart('copy', 1),
  full('masters'),
  full('agents'),
  full('servers'),
]

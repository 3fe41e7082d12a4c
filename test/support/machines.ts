/**
 * Machines for tests: network namespaces of this one, each with an address on one wire.
 *
 * Only the network is apart. Files, processes and cgroups are those of the machine that tests.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { hasProgram, type Need } from './needs.ts'

export interface Machine {
  /** What the others reach it by. */
  readonly address: string
  /** The program and arguments that run `argv` on it, by its process's own pid. */
  readonly on: (...argv: readonly string[]) => [program: string, ...args: string[]]
}

export interface Machines<Name extends string> {
  readonly machine: Readonly<Record<Name, Machine>>
  /** Call it when what ran there has ended. Idempotent. */
  close(): void
}

const FOLDER = '/run/netns'
/** Of one process's machines, which start with its pid, so that they can be told from others'. */
const MARK = 'bourse-test'
const SUBNET = '10.213.77'

/** For `needs`: what a machine must have to make others. */
export function machinesNeed(): Need {
  const name = 'the right to make network namespaces'
  if (!hasProgram('ip')) return { name: 'ip', found: false, install: 'apt-get install iproute2' }
  try {
    openMachines(['probe']).close()
    return { name, found: true }
  } catch {
    // Not root, or a container that may not: nothing that one installs helps.
    return { name, found: false }
  }
}

let count = 0

/** @throws when this is not root. What was made until then is gone again. */
export function openMachines<Name extends string>(names: readonly Name[]): Machines<Name> {
  removeLeftOnes()
  count += 1
  const prefix = `${MARK}-${process.pid}-${count}`
  const wire = `${prefix}-wire`
  const made: string[] = []
  const close = (): void => {
    for (const namespace of made.splice(0)) ip('netns', 'delete', namespace)
    process.off('exit', close)
  }
  const add = (namespace: string): void => {
    ip('netns', 'add', namespace)
    made.push(namespace)
  }
  process.once('exit', close)
  try {
    add(wire)
    ip('-n', wire, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', wire, 'link', 'set', 'bridge', 'up')
    const machine = {} as Record<Name, Machine>
    for (const [i, name] of names.entries()) {
      const namespace = `${prefix}-${name}`
      const address = `${SUBNET}.${i + 1}`
      add(namespace)
      plugIn(namespace, { wire, port: `port${i}`, address })
      const on: Machine['on'] = (...argv) => ['nsenter', `--net=${FOLDER}/${namespace}`, ...argv]
      machine[name] = { address, on }
    }
    return { machine, close }
  } catch (error) {
    close()
    throw error
  }
}

interface Plug {
  readonly wire: string
  readonly port: string
  readonly address: string
}

function plugIn(namespace: string, { wire, port, address }: Plug): void {
  const peer = ['peer', 'name', 'eth0', 'netns', namespace]
  ip('-n', wire, 'link', 'add', port, 'type', 'veth', ...peer)
  ip('-n', wire, 'link', 'set', port, 'master', 'bridge', 'up')
  ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
  ip('-n', namespace, 'link', 'set', 'eth0', 'up')
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
}

/** Those of test processes that were killed. */
function removeLeftOnes(): void {
  for (const namespace of existsSync(FOLDER) ? readdirSync(FOLDER) : []) {
    const pid = new RegExp(`^${MARK}-(\\d+)-`).exec(namespace)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', namespace)
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

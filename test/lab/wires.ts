/**
 * Networks of their own for the actors of a lab: a namespace each, on one bridge of this machine.
 * The lab and its proxies are reached by the bridge's address. Packets are cut in the namespace.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { sleep } from '../../bus/clock.ts'
import { hasProgram, type Need } from '../support/needs.ts'
import type { Direction, Wire } from './contract.ts'

const run = promisify(execFile)

export interface LabWire extends Wire {
  /** The command line that runs `argv` there, by its process's own pid. */
  on(argv: readonly string[]): readonly string[]
}

export interface Wires {
  /** What proxies listen on. */
  readonly address: string
  add(name: string): Promise<LabWire>
  /** Gives what is left of them, a line each. */
  close(): Promise<readonly string[]>
}

/** For `needs`: whether packets can be cut here. */
export async function wiresNeed(): Promise<Need> {
  const name = 'the right to make network namespaces and cut packets'
  for (const [program, install] of [
    ['ip', 'apt-get install iproute2'],
    ['iptables', 'apt-get install iptables'],
  ] as const)
    if (!hasProgram(program)) return { name: program, found: false, install }
  let wires: Wires | undefined
  try {
    wires = await openWires()
    const wire = await wires.add('probe')
    await wire.cut('out')
    return { name, found: true }
  } catch {
    // Not root, or a container that may not: nothing that one installs helps.
    return { name, found: false }
  } finally {
    await wires?.close()
  }
}

/** The names of all networks of this process have it. */
export const LAB_MARK = process.pid.toString(36)
let count = 0

/** @throws when this is not root. */
export async function openWires(): Promise<Wires> {
  count += 1
  const mark = `${LAB_MARK}-${count}`
  const bridge = `bl${mark}`
  const subnet = await freeSubnet()
  const address = `${subnet}.254`
  await run('ip', ['link', 'add', bridge, 'type', 'bridge'])
  await run('ip', ['address', 'add', `${address}/24`, 'dev', bridge])
  await run('ip', ['link', 'set', bridge, 'up'])
  const made: { readonly namespace: string; readonly host: string }[] = []
  return {
    address,
    async add(name) {
      const namespace = `bourse-lab-${mark}-${name}`
      const number = made.length + 1
      const host = `bv${mark}-${number}`
      made.push({ namespace, host })
      await run('ip', ['netns', 'add', namespace])
      await run('ip', ['link', 'add', host, 'type', 'veth', 'peer', 'eth0', 'netns', namespace])
      await run('ip', ['link', 'set', host, 'master', bridge, 'up'])
      const own = `${subnet}.${number}/24`
      await run('ip', ['-n', namespace, 'address', 'add', own, 'dev', 'eth0'])
      for (const device of ['eth0', 'lo'])
        await run('ip', ['-n', namespace, 'link', 'set', device, 'up'])
      return wireOf(namespace)
    },
    async close() {
      for (const { namespace, host } of made.splice(0)) {
        // What was sent and never answered holds a namespace for minutes, and its link with it.
        await run('ip', ['link', 'delete', host])
        await run('ip', ['netns', 'delete', namespace])
      }
      await run('ip', ['link', 'delete', bridge])
      // The kernel takes them apart when it has time.
      for (let look = 0; look < LOOKS && (await left(mark)).length > 0; look++) await sleep(LOOK_MS)
      return left(mark)
    },
  }
}

const LOOKS = 50
const LOOK_MS = 100

async function left(mark: string): Promise<readonly string[]> {
  const { stdout: namespaces } = await run('ip', ['netns', 'list'])
  const { stdout: links } = await run('ip', ['-o', 'link'])
  return [
    ...named(namespaces, `bourse-lab-${mark}-`).map((name) => `namespace ${name}`),
    ...named(links, `v${mark}-`).map((name) => `link ${name}`),
  ]
}

const named = (text: string, part: string): readonly string[] =>
  text.split(/\s+/).filter((word) => word.includes(part))

function wireOf(namespace: string): LabWire {
  const inside = [`--net=/run/netns/${namespace}`]
  const iptables = (...args: readonly string[]) =>
    run('nsenter', [...inside, 'iptables', '-w', ...args])
  return {
    on: (argv) => ['nsenter', ...inside, ...argv],
    async cut(direction: Direction = 'both') {
      if (direction !== 'in') await iptables('-A', 'OUTPUT', '-o', 'eth0', '-j', 'DROP')
      if (direction !== 'out') await iptables('-A', 'INPUT', '-i', 'eth0', '-j', 'DROP')
    },
    async heal() {
      await iptables('-F')
    },
  }
}

/** One that no device of this machine has: other labs run beside this one. */
async function freeSubnet(): Promise<string> {
  const { stdout } = await run('ip', ['-o', 'address'])
  for (let i = 0; i < 250; i++) {
    const subnet = `10.214.${(process.pid + i) % 250}`
    if (!stdout.includes(`${subnet}.`)) return subnet
  }
  throw new Error('all networks of labs are in use')
}

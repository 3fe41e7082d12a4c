/** Tasks that a test runs on a real machine, and what becomes of them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type {
  CheckSeen,
  ContainerSpec,
} from '../../../agent-runtime/containerizer/containerizer.ts'
import type { Containerizers } from '../../../agent-runtime/containerizer/containerizers.ts'
import { aContainer, type Opened, opened, type RealMachine } from '../../support/containers.ts'
import { needs } from '../../support/needs.ts'
import type { Asks } from './samples.ts'

export interface Here extends Opened<Containerizers> {
  readonly machine: RealMachine
}

/** A kind of machine, by what a kill reaches there. */
export interface KillPlace {
  readonly name: string
  /** Absent: the strongest; a weaker one stands in for what this machine has not. */
  readonly isolation?: 'pid-namespace' | 'session'
}

/** Skips, by name, what this machine has not. */
export async function openedWith(
  t: ExecutionContext,
  machine: RealMachine,
  isolators: readonly string[],
): Promise<Here | undefined> {
  const here = { machine, ...(await opened(machine)) }
  const lacking = isolators.filter((one) => !here.containers.isolators.includes(one))
  const isHere = { name: `isolator ${lacking.join(', ')}`, found: lacking.length === 0 }
  return needs(t, isHere) ? here : undefined
}

export const running = (
  shell: string,
  asked: Asks & Partial<Pick<ContainerSpec, 'env' | 'group'>> = {},
  containerId = 'c-1',
): ContainerSpec => ({
  ...aContainer({ containerId, launch: `1-00-${containerId}` }),
  command: { shell },
  ...asked,
})

export const output = (machine: RealMachine, spec: ContainerSpec): string =>
  readFileSync(join(machine.sandboxPath(spec), 'stdout'), 'utf8')

/** What a task wrote that ended well. */
export async function said(
  { machine, containers, log }: Here,
  spec: ContainerSpec,
): Promise<string> {
  containers.launch(spec)
  await machine.until(() =>
    log.of(spec.containerId).some(({ kind }) => kind === 'ended' || kind === 'launch-failed'),
  )
  const end = log.of(spec.containerId).at(-1)
  if (end?.kind !== 'ended' || !('code' in end.exit) || end.exit.code !== 0) {
    const stderr = join(machine.sandboxPath(spec), 'stderr')
    const words = existsSync(stderr) ? readFileSync(stderr, 'utf8') : ''
    throw new Error(`${JSON.stringify(end)} ${words}`)
  }
  return output(machine, spec)
}

/** What a command that checks a running container sees. */
export async function checked(
  { containers, log, machine }: Here,
  shell: string,
  containerId = 'c-1',
): Promise<CheckSeen | undefined> {
  const before = log.events.length
  const answer = () => log.events.slice(before).find(({ kind }) => kind === 'checked')
  const probe = { command: { shell } }
  containers.check({ containerId, which: 'check', timeoutMs: 60_000, probe })
  await machine.until(() => answer() !== undefined)
  const event = answer()
  return event?.kind === 'checked' ? event.seen : undefined
}

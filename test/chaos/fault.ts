/** What chaos does to a cluster: one kind of fault, drawn with its target and length. */
import type { LabCluster, LabFramework, LabProcess } from '../lab/contract.ts'
import type { Dice } from './dice.ts'

/** Of whom it is told when tasks flow again. */
export interface Affected {
  readonly agentId?: string
  readonly frameworkId?: string
}

/** A fault that has been drawn. */
export interface Drawn {
  /** `freeze`, `store-empty` …: what figures count by. */
  readonly kind: string
  /** For people: `freeze a2 for 3.1 s`. */
  readonly what: string
  /** What nobody else may touch meanwhile: names of processes and servers. */
  readonly targets: readonly string[]
  /** Nothing: all agents and frameworks. */
  readonly affected: Affected
  /** Within so long after its end tasks flow again. */
  readonly withinMs: number
  /** From the first blow to the last repair. */
  readonly strike: (lab: Struck) => Promise<void>
}

/** What strikes may use. */
export interface Struck {
  readonly lab: LabCluster
  /** Starts it until it is ready: it may take a while before a server is back. */
  readonly revive: (one: LabProcess) => Promise<void>
  readonly sleep: (ms: number) => Promise<void>
  /** It has been killed, and is started again when tasks flow without it. */
  readonly keepAway: (one: LabProcess) => void
}

export interface Scope {
  readonly masters: readonly string[]
  readonly agents: readonly string[]
  readonly allocators: readonly string[]
  /** All processes of them. */
  readonly frameworks: readonly string[]
  /** Of these, those that are further instances of one. */
  readonly instances: readonly Instance[]
  readonly servers: readonly string[]
  /** Packets can be cut here. */
  readonly wires: boolean
  /** Small disks can be mounted here. */
  readonly disks: boolean
}

export interface Instance {
  readonly name: string
  readonly frameworkId: string
}

export interface FaultKind {
  readonly kind: string
  /** How often it comes, beside the others. */
  readonly weight: number
  /** Absent from a scope that cannot have it. */
  readonly needs?: keyof Pick<Scope, 'wires' | 'disks'>
  draw(dice: Dice, scope: Scope): Drawn
}

/** The process of that name. */
export function processOf(lab: LabCluster, name: string): LabProcess {
  const frameworks = lab.frameworks.flatMap((one) => [one, ...one.instances])
  const all = [...lab.masters, ...lab.agents, ...lab.allocators, ...frameworks]
  const found = all.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no ${name} in this lab`)
  return found
}

/** Whose tasks wait for a process of that name. */
export function affectedBy(name: string, { agents, frameworks, instances }: Scope): Affected {
  if (agents.includes(name)) return { agentId: name }
  const instance = instances.find((one) => one.name === name)
  if (instance !== undefined) return { frameworkId: instance.frameworkId }
  if (frameworks.includes(name)) return { frameworkId: name }
  return {}
}

export function frameworkOf({ frameworks }: LabCluster, name: string): LabFramework {
  const found = frameworks.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

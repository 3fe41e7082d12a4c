/** What the registry's records amount to, each thing once: every master keeps one. */
import { type AgentId, frameworkKey } from '../../../protocol/ids.ts'
import type { RoleQuota, RoleWeight } from '../../../protocol/schema/common.ts'
import type { RegistryRecord } from '../../../protocol/schema/master.ts'

export type AgentFact = Extract<
  RegistryRecord,
  { kind: 'agent-admitted' | 'agent-unreachable' | 'agent-gone' }
>
export type FrameworkFact = Extract<RegistryRecord, { kind: 'framework' | 'framework-ended' }>

export interface RegistryTable {
  readonly agents: Map<AgentId, AgentFact>
  readonly frameworks: Map<string, FrameworkFact>
  readonly weights: Map<string, RoleWeight>
  readonly quotas: Map<string, RoleQuota>
}

export const newTable = (): RegistryTable => ({
  agents: new Map(),
  frameworks: new Map(),
  weights: new Map(),
  quotas: new Map(),
})

/** Takes a record that was written. A repeat of it changes nothing. */
export function foldRecord(table: RegistryTable, record: RegistryRecord): void {
  switch (record.kind) {
    case 'epoch':
      return
    case 'agent-admitted':
    case 'agent-unreachable':
    case 'agent-gone':
      return foldAgent(table, record)
    case 'agent-forgotten':
      // It came back while that was being written.
      if (table.agents.get(record.agentId)?.kind === 'agent-admitted') return
      table.agents.delete(record.agentId)
      return
    case 'agent-left':
      if (!isGone(table, record.agentId)) table.agents.delete(record.agentId)
      return
    case 'framework':
    case 'framework-ended':
      return foldFramework(table, record)
    case 'framework-forgotten':
      table.frameworks.delete(frameworkKey(record))
      return
    case 'weights':
      for (const weight of record.weights) foldWeight(table, weight)
      return
    case 'quotas':
      for (const quota of record.quotas) foldQuota(table, quota)
  }
}

/** Whoever is gone is gone for good, until it is forgotten. */
function foldAgent(table: RegistryTable, fact: AgentFact): void {
  if (fact.kind === 'agent-gone' || !isGone(table, fact.agentId)) {
    table.agents.set(fact.agentId, fact)
  }
}

const isGone = ({ agents }: RegistryTable, agentId: AgentId): boolean =>
  agents.get(agentId)?.kind === 'agent-gone'

function foldFramework({ frameworks }: RegistryTable, fact: FrameworkFact): void {
  const key = frameworkKey(fact)
  const known = frameworks.get(key)
  // Written while its end, or the first secret's record, was still on its way.
  const isLate = known !== undefined && fact.kind === 'framework' && !isOf(known, fact.secretHash)
  if (!isLate) frameworks.set(key, fact)
}

/** An ended framework takes no more terms, and no framework those of another secret. */
const isOf = (known: FrameworkFact, hash: string): boolean =>
  known.kind === 'framework' && known.secretHash === hash

function foldWeight({ weights }: RegistryTable, weight: RoleWeight): void {
  if (weight.weight === 1) weights.delete(weight.role)
  else weights.set(weight.role, weight)
}

function foldQuota({ quotas }: RegistryTable, quota: RoleQuota): void {
  const { role, guarantee = {}, limit = {} } = quota
  const isNone = Object.keys(guarantee).length === 0 && Object.keys(limit).length === 0
  if (isNone) quotas.delete(role)
  else quotas.set(role, quota)
}

export type TableRecord =
  | AgentFact
  | FrameworkFact
  | Extract<RegistryRecord, { kind: 'weights' | 'quotas' }>

/** Its values as records, each thing once: folded into an empty table they make the same. */
export function* recordsOf(table: RegistryTable): Generator<TableRecord, undefined> {
  for (const weight of table.weights.values()) yield { kind: 'weights', weights: [weight] }
  for (const quota of table.quotas.values()) yield { kind: 'quotas', quotas: [quota] }
  yield* table.frameworks.values()
  yield* table.agents.values()
}

export const sizeOf = ({ agents, frameworks, weights, quotas }: RegistryTable): number =>
  agents.size + frameworks.size + weights.size + quotas.size

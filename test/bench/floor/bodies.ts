/**
 * What the floor's processes say to each other: the bodies of the product, field by field, with ids
 * of the same lengths. Heard with an onlooker on `>` while 1,000 emulated agents ran tasks of
 * scenario `throughput` (eight to an accept), the product's lists took in bytes, for each task:
 * statuses 2 × 223, acknowledgements 2 × 121, run 148, accept 132, settled 127; for each agent that
 * is offered: offer 290, figure 245, allocation 260. The floor's own are printed by scenario
 * `floor`, and `throughput` prints both.
 */
import { randomBytes } from 'node:crypto'
import type {
  AgentId,
  FrameworkId,
  Launch,
  Principal,
  RunId,
  SessionId,
} from '../../../protocol/ids.ts'
import type { ResourceList } from '../../../protocol/schema/common.ts'

export const CLUSTER = 'bourse'
export const PRINCIPAL = 'local' as Principal
export const FRAMEWORK = 'bench-1' as FrameworkId
export const ROLE = '*'
export const FRAMEWORK_IDS = { cluster: CLUSTER, principal: PRINCIPAL, frameworkId: FRAMEWORK }

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

export const RUN = hex(8) as RunId
export const FENCE = { epoch: 1, run: RUN }
export const newSession = (): SessionId => hex(8) as SessionId

/** What an emulated agent has. */
export const WHOLE_AGENT: ResourceList = [
  { name: 'mem', scalar: 16_384 },
  { name: 'disk', scalar: 65_536 },
  { name: 'ports', ranges: [[31_000, 32_000]] },
  { name: 'cpus', scalar: 8 },
]

export const agentIdOf = (agent: number): AgentId => `bench-${agent}` as AgentId
/** Says which agent: nobody on the floor remembers. */
export const offerIdOf = (agent: number): string => `1-${RUN}-${agent}`
export const agentOfOffer = (offerId: string): number =>
  Number(offerId.slice(offerId.lastIndexOf('-') + 1))

export const launchOf = (count: number): Launch => `1-${RUN}-${count}` as Launch

const TASK_PREFIX = `${hex(4)}-${hex(2)}-4${hex(2).slice(1)}-a${hex(2).slice(1)}-`
/** As long as a UUID, each one new. */
export const taskIdOf = (count: number): string =>
  TASK_PREFIX + count.toString(16).padStart(12, '0')

const UUID_PREFIX = hex(10)
/** Tells which status it is of: nobody on the floor remembers. */
export const statusUuidOf = (count: number, state: FloorState): string =>
  UUID_PREFIX + (2 * count + (state === 'TASK_RUNNING' ? 1 : 0)).toString(16).padStart(12, '0')
export const isOfStart = (uuid: string): boolean => Number.parseInt(uuid.slice(-1), 16) % 2 === 1

export type FloorState = 'TASK_RUNNING' | 'TASK_FINISHED'

/** What a test may ask of a simulated cluster; what is wrong with it is said in one sentence. */
import {
  isFields,
  problemsOf,
  type Rule,
  type Rules,
  shown,
  TOKEN,
} from '../actors/scheduler/rules.ts'
import { ClusterError } from '../protocol/errors.ts'

/** What an agent has; what is left out is 4 cpus, 1024 MiB of memory, no disk and no GPUs. */
export interface AgentWish {
  /** Default: `agent-1`, `agent-2` … */
  readonly agentId?: string
  readonly cpus?: number
  /** MiB. */
  readonly mem?: number
  /** MiB. */
  readonly disk?: number
  readonly gpus?: number
  /** Both ends are included. Default `[31000, 31009]`. */
  readonly ports?: readonly [from: number, to: number]
  readonly attributes?: Readonly<Record<string, string>>
}

export interface ClusterOptions {
  /** How many, all alike, or each of them. Default 1. */
  readonly agents?: number | readonly AgentWish[]
}

const AGENTS_MAX = 10_000
const PORT_MAX = 65_535

const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= AGENTS_MAX
const isAmount = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= 0
const isPort = (value: unknown): boolean => Number.isInteger(value) && isAmount(value)

const AMOUNT: Rule = { what: 'a number, 0 or more', isGood: isAmount }

const AGENT_RULES: Rules<AgentWish> = {
  agentId: TOKEN,
  cpus: AMOUNT,
  mem: AMOUNT,
  disk: AMOUNT,
  gpus: AMOUNT,
  ports: {
    what: 'the first and the last, like [31000, 31009]',
    isGood: (value) => {
      const [from, to, ...more] = Array.isArray(value) ? value : []
      return more.length === 0 && isPort(from) && isPort(to) && from <= to && to <= PORT_MAX
    },
  },
  attributes: {
    what: "texts by name, like { rack: 'r1' }",
    isGood: (value) =>
      isFields(value) && Object.values(value).every((text) => typeof text === 'string'),
  },
}

const CLUSTER_RULES: Rules<ClusterOptions> = {
  agents: {
    what: `how many, 0 to ${AGENTS_MAX}, or a list of what each is to have`,
    isGood: (value) => isCount(value) || Array.isArray(value),
  },
}

export const requireCluster = (options: unknown): void =>
  requireKnown('SimulatedCluster.open', options, CLUSTER_RULES)

export const requireAgent = (wish: unknown): void => requireKnown('an agent', wish, AGENT_RULES)

/** Virtual time only goes forward. */
export function requireTime(ms: unknown): void {
  if (!isAmount(ms)) throw badOption(`milliseconds must be ${AMOUNT.what}, not ${shown(ms)}`)
}

/** @throws {ClusterError} `testing/option`, with all that is wrong. */
function requireKnown<Fields>(where: string, given: unknown, rules: Rules<Fields>): void {
  if (!isFields(given)) throw badOption(`${where}: must be given an object, not ${shown(given)}`)
  const unknown = Object.keys(given).filter((field) => !(field in rules))
  const problems = [
    ...unknown.map((field) => `there is no option ${shown(field)}`),
    ...problemsOf(given, rules),
  ]
  if (problems.length > 0) throw badOption(`${where}: ${problems.join('; ')}`)
}

export const badOption = (message: string): ClusterError =>
  new ClusterError('testing/option', 'never', message)

/**
 * Orders that agents have not known from the beginning. One in a session with an agent that does
 * not know it is lost, so each agent names those that it knows when it opens one.
 */
import type { AgentOrder } from './schema/agent.ts'

export const LATER_ORDERS = ['send-sandbox', 'send-usage'] as const

/** Only said to an agent that knows it. */
export type LaterOrder = Extract<AgentOrder, { kind: (typeof LATER_ORDERS)[number] }>
/** What every agent knows. */
export type FirstOrder = Exclude<AgentOrder, LaterOrder>

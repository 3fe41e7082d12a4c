/** A leader and a framework that do as they are told, on a simulated bus. */
import { type Messenger, openMessenger } from '../../../../bus/messenger.ts'
import { randomToken } from '../../../../bus/random.ts'
import type { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import type { SimulatedSystem } from '../../../../bus/simulated/system.ts'
import type { AgentId, MasterId, SessionId } from '../../../../protocol/ids.ts'
import type { AgentOrder } from '../../../../protocol/schema/agent.ts'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import type { AgentReport } from '../../../../protocol/schema/master.ts'
import type { Output, TaskUsage } from '../../../../protocol/schema/scheduler.ts'
import {
  acknowledgements,
  agentOrders,
  agentReports,
  leaderBeat,
  statusUpdates,
  taskOutput,
  taskUsage,
} from '../../../../protocol/subjects.ts'
import { LEADER, registered } from './builders.ts'

export const cluster = 'test'

interface Known {
  session: SessionId | undefined
  pages: number
  heard: number
  said: number
}

export class Leader {
  readonly reports: (AgentReport & { readonly from: AgentId })[] = []
  readonly statuses: TaskStatus[] = []
  readonly outputs: Output[] = []
  readonly usages: TaskUsage[] = []
  /** The framework acknowledges what comes. */
  acknowledges = true
  readonly #messenger: Messenger
  readonly #known = new Map<AgentId, Known>()

  constructor(messenger: Messenger) {
    this.#messenger = messenger
    messenger.listen(agentReports, { cluster }, ({ session, n, reports }, { agentId }) => {
      for (const report of reports) {
        this.reports.push({ ...report, from: agentId })
        if (report.kind === 'register') this.#open(agentId, { session, pages: report.pages })
      }
      if (reports.some(({ kind }) => kind !== 'pong')) this.#hear(agentId, session, n)
    })
    messenger.listen(statusUpdates, { cluster }, ({ session, n, statuses }, ids) => {
      this.statuses.push(...statuses)
      this.#hear(ids.agentId, session, n)
      const acks = statuses.map(({ taskId, uuid = '' }) => ({ taskId, uuid }))
      if (this.acknowledges) messenger.send(acknowledgements, ids, { acks })
    })
    messenger.listen(taskOutput, { cluster }, (output) => void this.outputs.push(output))
    messenger.listen(taskUsage, { cluster }, (usage) => void this.usages.push(usage))
  }

  #open(agentId: AgentId, { session, pages }: Pick<Known, 'session' | 'pages'>): void {
    this.#known.set(agentId, { session, pages, heard: 0, said: 0 })
  }

  #hear(agentId: AgentId, session: SessionId | undefined, n: number | undefined): void {
    const known = this.#known.get(agentId)
    if (known === undefined || n === undefined || known.session !== session) return
    known.heard = n
    if (known.said === 0 && n > known.pages) this.order(agentId, registered())
    else if (known.said > 0) this.order(agentId, { kind: 'ping' })
  }

  beat(): void {
    const beat = { ...LEADER, master: 'm' as MasterId, version: { min: 1, max: 1 } }
    this.#messenger.send(leaderBeat, { cluster }, beat)
  }

  order(agentId: AgentId, ...orders: AgentOrder[]): void {
    const known = this.#known.get(agentId)
    if (known?.session === undefined) throw new Error(`${agentId} has no session`)
    known.said += 1
    const { session, said: n, heard } = known
    this.#messenger.send(
      agentOrders,
      { cluster, agentId },
      { ...LEADER, session, n, heard, orders },
    )
  }

  statesOf(taskId: string): readonly string[] {
    return this.statuses.filter((status) => status.taskId === taskId).map(({ state }) => state)
  }
}

export async function aLeader(clock: SimulatedClock, system: SimulatedSystem): Promise<Leader> {
  const bus = await clock.runFor(system.connect({ name: 'leader' }))
  const onRefused = (subject: string, refused: { readonly message: string }): void => {
    throw new Error(`${subject}: ${refused.message}`)
  }
  return new Leader(openMessenger({ bus, clock, randomToken, isOpen: false, onRefused }))
}

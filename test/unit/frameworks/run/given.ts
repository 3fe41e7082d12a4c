/** A run of which tests tell the core one thing after the other. */
import { handleRun } from '../../../../frameworks/run/core.ts'
import { NO_RESTARTS } from '../../../../frameworks/run/restarts.ts'
import {
  type Effect,
  type Input,
  newRun,
  type Plan,
  type RunState,
  type WantedAmounts,
  wantedOf,
} from '../../../../frameworks/run/state.ts'
import type { AgentId, OfferId, TaskId } from '../../../../protocol/ids.ts'
import { resourcesOf } from '../../../../protocol/resources.ts'
import type { Attribute, ResourceList, TaskStatus } from '../../../../protocol/schema/common.ts'

export const AGENT = 'agent-1' as AgentId
export const FOUR_CPUS: ResourceList = [
  { name: 'cpus', scalar: 4 },
  { name: 'mem', scalar: 1024 },
]

interface Where {
  readonly agentId?: string
  readonly hostname?: string
  /** `rack=r1`, as attributes. */
  readonly attributes?: Readonly<Record<string, string>>
}

export class Run {
  readonly state: RunState
  effects: readonly Effect[] = []
  #offers = 0

  constructor(wanted: Partial<WantedAmounts>, instances = 1, fields: Partial<Plan> = {}) {
    this.state = newRun({
      instances,
      task: { name: 'run', command: ['true'] },
      prefix: 'run',
      wanted: wantedOf({ cpus: 1, mem: 32, ...wanted }),
      constraints: [],
      restart: NO_RESTARTS,
      readsOutput: true,
      timeoutMs: 5_000,
      ...fields,
    })
    this.input({ kind: 'start' })
  }

  input(input: Input): this {
    this.effects = handleRun(this.state, input)
    return this
  }

  offer(resources: ResourceList = FOUR_CPUS, where: Where = {}): this {
    this.#offers += 1
    const offerId = `offer-${this.#offers}` as OfferId
    const { agentId = AGENT, hostname = 'host', attributes = {} } = where
    const all: Attribute[] = Object.entries(attributes).map(([name, text]) => ({ name, text }))
    const place = { agentId: agentId as AgentId, hostname, attributes: all }
    return this.input({ kind: 'offer', offerId, place, resources: resourcesOf(resources) })
  }

  status(taskId: string, state: TaskStatus['state'], fields: Partial<TaskStatus> = {}): this {
    const status = { taskId: taskId as TaskId, state, source: 'agent', agentId: AGENT, atMs: 0 }
    return this.input({ kind: 'status', status: { ...status, ...fields } as TaskStatus })
  }

  /** Both streams of its task, to their end. */
  read(index: number): this {
    const taskId = this.state.instances[index]?.view.taskId ?? ('none' as TaskId)
    this.input({ kind: 'read', taskId, index })
    return this.input({ kind: 'read', taskId, index })
  }

  all<K extends Effect['do']>(kind: K): readonly Extract<Effect, { do: K }>[] {
    return this.effects.filter((e): e is Extract<Effect, { do: K }> => e.do === kind)
  }

  get placed(): readonly string[] {
    return this.all('accept').flatMap(({ tasks }) => tasks.map(({ taskId }) => taskId ?? ''))
  }

  get states(): readonly string[] {
    return this.state.instances.map(({ view }) => view.state)
  }

  get result() {
    const { instances, couldNotPlace, isInterrupted } = this.state
    return { instances: instances.map(({ view }) => view), couldNotPlace, isInterrupted }
  }
}

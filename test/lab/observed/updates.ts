/** I3, as agents tell it on the bus: statuses in order, one terminal state, and it stays. */
import type { TaskStatus } from '../../../protocol/schema/common.ts'
import type { StatusUpdates } from '../../../protocol/schema/scheduler.ts'
import { isTerminal } from '../../../protocol/task-state.ts'

type Status = TaskStatus & { readonly uuid: string }

/** Of one launch of one task at one agent. */
interface Stream {
  /** In the order in which they were first heard. */
  last: Status
  end: Status | undefined
}

export class Updates {
  readonly #streams = new Map<string, Stream>()
  readonly #broken: (sentence: string) => void
  /** Different statuses. */
  heard = 0

  constructor(broken: (sentence: string) => void) {
    this.#broken = broken
  }

  hear(agentId: string, frameworkId: string, { statuses }: StatusUpdates): void {
    for (const status of statuses)
      if (status.uuid !== undefined) this.#one(agentId, frameworkId, status as Status)
  }

  /** The terminal state that an agent has told of that task, if it was heard. */
  endOf(agentId: string, frameworkId: string, taskId: string): TaskStatus | undefined {
    return this.#streams.get(`${agentId} ${frameworkId} ${taskId}`)?.end
  }

  #one(agentId: string, frameworkId: string, status: Status): void {
    const { taskId, state, uuid, number } = status
    const who = `${frameworkId}/${taskId} at ${agentId}`
    const key = `${agentId} ${frameworkId} ${taskId}`
    const stream = this.#streams.get(key)
    if (stream === undefined || isLaterLaunch(status, stream.last)) {
      this.heard += 1
      this.#streams.set(key, { last: status, end: isTerminal(state) ? status : undefined })
      return
    }
    const { last, end } = stream
    const order = compare(status, last)
    if (uuid === last.uuid) {
      if (state !== last.state) this.#broken(`I3: ${who}: one status is ${last.state} and ${state}`)
      return
    }
    // A late repeat of an earlier one.
    if (order < 0) return
    if (order === 0 && number !== undefined)
      this.#broken(`I3: ${who}: ${last.state} and ${state} have the same number`)
    if (end !== undefined) this.#broken(`I3: ${who}: ${end.state} was followed by ${state}`)
    this.heard += 1
    stream.last = status
    if (isTerminal(state)) stream.end ??= status
  }
}

const isLaterLaunch = ({ launch }: TaskStatus, before: TaskStatus): boolean =>
  launch !== undefined && before.launch !== undefined && launch !== before.launch

const compare = (a: TaskStatus, b: TaskStatus): number =>
  a.number === undefined || b.number === undefined
    ? 0
    : a.number.incarnation - b.number.incarnation || a.number.count - b.number.count

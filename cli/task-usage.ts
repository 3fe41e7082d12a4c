/** What a task uses now: its agent counts it when somebody asks. */
import { randomToken } from '../bus/random.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { TaskItem } from '../protocol/schema/operator.ts'
import type { TaskUsage } from '../protocol/schema/scheduler.ts'
import { taskUsage } from '../protocol/subjects.ts'
import type { OperatorClient } from './operator-client.ts'

/** Its agent is away or busy if nothing came by then. */
const ANSWER_MS_MAX = 2_000
const MIB = 1024 * 1024

export type Used = Omit<TaskUsage, 'request' | 'taskId' | 'launch'>

/** Undefined: it does not run, or its agent does not say. */
export async function readUsage(
  client: OperatorClient,
  { principal, frameworkId, taskId, agentId, state }: TaskItem,
): Promise<Used | undefined> {
  if (state !== 'TASK_RUNNING' && state !== 'TASK_KILLING') return undefined
  const { cluster, messenger, clock } = client
  const request = randomToken(64) as SessionId
  const ids = { cluster, agentId, principal, frameworkId }
  let resolve: (usage: TaskUsage | undefined) => void = () => undefined
  const came = new Promise<TaskUsage | undefined>((resolveUsage) => {
    resolve = resolveUsage
  })
  const subscription = messenger.listen(taskUsage, ids, (usage) => {
    if (usage.request === request) resolve(usage)
  })
  const timer = clock.after(ANSWER_MS_MAX, () => resolve(undefined))
  try {
    await client.ask('read-usage', { principal, frameworkId, taskId, agentId, request })
    const answer = await came
    if (answer === undefined || answer.missing) return undefined
    const { request: _request, taskId: _taskId, launch: _launch, ...used } = answer
    return used
  } catch {
    // An agent that is away, or a leader that is older: the rest of the task is shown all the same.
    return undefined
  } finally {
    timer.cancel()
    subscription.close()
  }
}

/** `cpu 12.3 s (throttled 0.5 s), memory 45.2 MiB (peak 60 MiB), 7 processes, disk 1.2 MiB`. */
export function usageText(used: Used): string | undefined {
  const { cpuMs, throttledMs = 0, memBytes, memPeakBytes, pids, diskBytes } = used
  const parts = [
    cpuMs !== undefined &&
      `cpu ${seconds(cpuMs)}${aside('throttled', throttledMs || undefined, seconds)}`,
    memBytes !== undefined && `memory ${mib(memBytes)}${aside('peak', memPeakBytes, mib)}`,
    pids !== undefined && `${pids} ${pids === 1 ? 'process' : 'processes'}`,
    diskBytes !== undefined && `disk ${mib(diskBytes)}`,
  ]
  return parts.filter((part) => part !== false).join(', ') || undefined
}

const aside = (name: string, amount: number | undefined, text: (amount: number) => string) =>
  amount === undefined ? '' : ` (${name} ${text(amount)})`
const oneDigit = (amount: number): number => Math.round(amount * 10) / 10
const seconds = (ms: number): string => `${oneDigit(ms / 1_000)} s`
const mib = (bytes: number): string => `${oneDigit(bytes / MIB)} MiB`

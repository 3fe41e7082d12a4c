/**
 * A framework in this process that asks for one task now and then: does the cluster work, and is
 * what it offers there? What an agent is offered of stands beside all that runs on it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Offered,
  openScheduler,
  type Scheduler,
  type TaskState,
} from '../../actors/scheduler/scheduler.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Told } from './tally.ts'

export interface Probe extends Told {
  readonly scheduler: Scheduler
  /** Resolves when a task that is launched from now on, on that agent, has run to its end. */
  ran(agentId?: string): Promise<void>
  /** The next offer, of that agent. */
  offer(agentId?: string): Promise<Offered>
  /** One accept: nothing is launched if it was refused. */
  attempt(offer: Offered, stays?: string): Promise<{ taskId: string; isRefused: boolean }>
  /**
   * Launches one there, with another offer if that one is refused: it appends a line to its start
   * file and ends, or stays while the file `stays` is there. Resolves to its id.
   */
  launchOn(offer: Offered, stays?: string): Promise<string>
  /** Resolves when it was told to be in that state. */
  isIn(taskId: string, state: TaskState): Promise<void>
  /** What was given twice. */
  problems(): readonly string[]
  close(): Promise<void>
}

export interface ProbeOptions {
  /** URLs with commas. */
  readonly nats: string
  /** Where its start files go. */
  readonly folder: string
  /** What an agent has not of what is offered, beside what it runs; undefined: it has all. */
  readonly overlap?: (agentId: string, offered: Offered) => string | undefined
}

export const PROBE = 'probe'
/** Each of its tasks. */
export const EACH = { cpus: 0.1, mem: 16 }
/** A revive ends it. */
const ELSEWHERE_MS = 5_000
/** Offers of other agents than the wanted one. */
const HELD_MAX = 16

export async function openProbe({ nats, folder, overlap }: ProbeOptions): Promise<Probe> {
  const scheduler = await openOwn(nats)
  const { states, told, noRoom } = listen(scheduler)
  const launched: string[] = []
  /** By offer, and then by the task that was launched on it. */
  const overlaps = new Map<string, string>()
  let count = 0

  const note = (one: Offered): void => {
    const over = overlap?.(one.agentId, one)
    if (over !== undefined) overlaps.set(one.offerId, `${one.agentId} runs and offers ${over}`)
  }
  const offer = (agentId?: string): Promise<Offered> => nextOffer({ scheduler, note }, agentId)
  const attempt: Probe['attempt'] = async (one, stays) => {
    const taskId = `probe-${count}`
    count += 1
    const staying = stays === undefined ? '' : `; while test -e ${stays}; do sleep 0.1; done`
    const command = `echo started >> ${join(folder, taskId)}${staying}`
    const over = overlaps.get(one.offerId)
    if (over !== undefined) overlaps.set(taskId, over)
    const { outcome } = await one.accept([{ taskId, command, resources: EACH }])
    const isRefused = outcome === 'refused'
    if (!isRefused) launched.push(taskId)
    return { taskId, isRefused }
  }
  const launchOn = async (one: Offered, stays?: string): Promise<string> => {
    const { taskId, isRefused } = await attempt(one, stays)
    // A refused accept has launched nothing: no status will come.
    return isRefused ? launchOn(await offer(one.agentId), stays) : taskId
  }
  const startsOf = (taskId: string): number => linesIn(join(folder, taskId))
  return {
    scheduler,
    offer,
    attempt,
    launchOn,
    async isIn(taskId, state) {
      await told(taskId, (one) => one === state)
    },
    async ran(agentId) {
      for (;;) {
        const taskId = await launchOn(await offer(agentId))
        if ((await told(taskId, isTerminal)) === 'TASK_FINISHED') return
      }
    },
    told: () => states,
    launched: () => launched,
    startsOf,
    // An offer that was taken back on its way is refused, and nothing begins on it.
    problems: () => [
      ...noRoom,
      ...launched.flatMap((taskId) => {
        const over = overlaps.get(taskId)
        return over !== undefined && startsOf(taskId) > 0 ? [`I1: offered twice: ${over}`] : []
      }),
    ],
    async close() {
      await scheduler.teardown()
      await scheduler.close()
    },
  }
}

function openOwn(nats: string): Promise<Scheduler> {
  return openScheduler({
    name: PROBE,
    frameworkId: PROBE,
    // Its own, which has less than that of the others, whatever it holds, while the steady tasks
    // run: recovery is measured, not the sharing of what is scarce.
    roles: [PROBE],
    // Else it would be offered memory without cpus where others use all of these, decline it, and
    // be asked after them for a while.
    minAllocatable: { [PROBE]: [EACH] },
    nats,
  })
}

/** `note` sees all that is offered meanwhile. */
interface Asking {
  readonly scheduler: Scheduler
  readonly note: (offered: Offered) => void
}

async function nextOffer({ scheduler, note }: Asking, agentId?: string): Promise<Offered> {
  scheduler.revive()
  const elsewhere: Offered[] = []
  for await (const one of scheduler.offers()) {
    note(one)
    const isThere = agentId === undefined || one.agentId === agentId
    if (isThere && one.roomFor(EACH) > 0) {
      // Before the launch: who declines is asked after all others until it launches something.
      await Promise.all(elsewhere.map((other) => decline(other, ELSEWHERE_MS)))
      return one
    }
    // Of thousands of agents few are held: others go on meanwhile.
    if (isThere) void decline(one, 0)
    else if (elsewhere.length === HELD_MAX) void decline(one, ELSEWHERE_MS)
    else elsewhere.push(one)
  }
  throw new Error('the probe gets no more offers')
}

const decline = (one: Offered, refuseMs: number): Promise<unknown> =>
  one.decline('not this one', { refuseMs })

/** What it is told of its tasks. */
function listen(scheduler: Scheduler) {
  const states = new Map<string, TaskState[]>()
  const waiting = new Set<() => void>()
  const noRoom: string[] = []
  scheduler.onStatus(({ taskId, state, source, reason, agentId }) => {
    states.set(taskId, [...(states.get(taskId) ?? []), state])
    if (source === 'agent' && reason === 'INVALID_OFFERS')
      noRoom.push(`I1: ${agentId} had no room for ${taskId}, which its leader had given it`)
    for (const look of waiting) look()
  })
  const told = (taskId: string, isMeant: (state: TaskState) => boolean): Promise<TaskState> =>
    new Promise((resolve) => {
      const look = (): void => {
        const state = states.get(taskId)?.find(isMeant)
        if (state === undefined) return
        waiting.delete(look)
        resolve(state)
      }
      waiting.add(look)
      look()
    })
  return { states, told, noRoom }
}

const linesIn = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0

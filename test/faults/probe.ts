/** A framework in this process that asks for one task now and then: does the cluster work? */
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
  /**
   * Launches one there that appends a line to its start file and ends, or stays while the file
   * `stays` is there; resolves to its id.
   */
  launchOn(offer: Offered, stays?: string): Promise<string>
  /** Resolves when it was told to be in that state. */
  isIn(taskId: string, state: TaskState): Promise<void>
  close(): Promise<void>
}

const EACH = { cpus: 0.1, mem: 16 }
/** A revive ends it. */
const ELSEWHERE_MS = 5_000

/** `folder`: where its start files go. */
export async function openProbe(nats: string, folder: string): Promise<Probe> {
  const scheduler = await openScheduler({ name: 'probe', frameworkId: 'probe', nats })
  const states = new Map<string, TaskState[]>()
  const waiting = new Set<() => void>()
  const launched: string[] = []
  let count = 0
  scheduler.onStatus(({ taskId, state }) => {
    states.set(taskId, [...(states.get(taskId) ?? []), state])
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

  const offer = async (agentId?: string): Promise<Offered> => {
    scheduler.revive()
    for await (const one of scheduler.offers()) {
      const isThere = agentId === undefined || one.agentId === agentId
      if (isThere && one.roomFor(EACH) > 0) return one
      // Others go on meanwhile: of thousands of agents each would be a call of its own, again and
      // again.
      void one.decline('not this one', { refuseMs: isThere ? 0 : ELSEWHERE_MS })
    }
    throw new Error('the probe gets no more offers')
  }
  const launchOn = async (one: Offered, stays?: string): Promise<string> => {
    const taskId = `probe-${count}`
    count += 1
    const staying = stays === undefined ? '' : `; while test -e ${stays}; do sleep 0.1; done`
    const command = `echo started >> ${join(folder, taskId)}${staying}`
    const { outcome } = await one.accept([{ taskId, command, resources: EACH }])
    // A refused accept has launched nothing: no status will come.
    if (outcome === 'refused') return launchOn(await offer(one.agentId), stays)
    launched.push(taskId)
    return taskId
  }
  return {
    scheduler,
    offer,
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
    startsOf: (taskId) => linesIn(join(folder, taskId)),
    async close() {
      await scheduler.teardown()
      await scheduler.close()
    },
  }
}

const linesIn = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0

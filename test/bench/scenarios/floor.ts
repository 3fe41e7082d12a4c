/** What the messages alone cost: the same ones, between processes that do nothing but talk. */
import { Floor, type FloorRun } from '../floor/floor.ts'
import { type Count, type Measured, perSecond, round } from '../result.ts'
import type { Settings } from '../settings.ts'

/** What is compiled while it runs is compiled before it is measured. */
const WARM_UP_TASKS = 20_000
/** Emulated agents have eight cores, tasks take one. */
export const TASKS_PER_ACCEPT = 8
/** Tasks that have not ended, however many agents there are: as many as a thousand can take. */
export const IN_FLIGHT_MAX = 8_000

export async function floor(settings: Settings): Promise<Measured> {
  const { agents = 1_000, tasks = 100_000, say } = settings
  const warmUpTasks = Math.min(WARM_UP_TASKS, tasks)
  say(`starting the floor with ${agents} agents`)
  const opened = await Floor.open({
    agents,
    tasksPerAccept: TASKS_PER_ACCEPT,
    inFlightMax: IN_FLIGHT_MAX,
  })
  try {
    say(`warming up with ${warmUpTasks} tasks`)
    await opened.run(warmUpTasks)
    say(`measuring ${tasks} tasks`)
    const ran = await opened.run(tasks)
    const { trafficPerTask, cpuUsPerTask } = ran
    return {
      settings: { agents, tasks, tasksPerAccept: round(tasks / ran.accepts, 1) },
      counts: countsOfFloor(ran),
      figures: {
        tasksPerS: perSecond(ran),
        cpuUsPerTask,
        trafficPerTask,
      },
    }
  } finally {
    await opened.close()
  }
}

export function countsOfFloor({ tasks, heard, acknowledged }: FloorRun): Record<string, Count> {
  return {
    floorRunning: { is: heard.running, mustBe: tasks },
    floorFinished: { is: heard.finished, mustBe: tasks },
    floorSettled: { is: heard.settled, mustBe: tasks },
    floorAcknowledged: { is: acknowledged, mustBe: 2 * tasks },
  }
}

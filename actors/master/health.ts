/** How tasks are, as their checks see it: what the leader remembers, and what the world hears. */
import { ILLNESS_TOLD_MS } from '../../protocol/limits.ts'
import type { Health, Task } from './entities.ts'
import type { LeaderTurn } from './turn.ts'

/** Of the most tasks nothing: those have no checks. */
export function healthOf({ healthy, checkResult }: Health): Health | undefined {
  if (healthy === undefined && checkResult === undefined) return undefined
  return { ...(healthy !== undefined && { healthy }), ...(checkResult && { checkResult }) }
}

/**
 * True if the world is to hear of it. A task that comes and goes would else fill the history that
 * all share: that it is ill is told again only after a while, and its framework hears each change.
 * Every failure is another status, so one that stays ill is told; one that is well is told at once.
 */
export function isHealthNews(
  { now }: LeaderTurn,
  task: Task,
  healthy: boolean | undefined,
): boolean {
  const { healthy: told, quietUntilMs } = knownHealth(task)
  if (healthy === undefined || healthy === told) return false
  return healthy || now.monotonicMs >= quietUntilMs
}

/** The world hears of it, whatever else is told with it. Call it before the task takes it. */
export function noteHealthTold(
  { now }: LeaderTurn,
  task: Task,
  healthy: boolean | undefined,
): void {
  if (healthy === undefined) return
  const quietUntilMs = healthy ? knownHealth(task).quietUntilMs : now.monotonicMs + ILLNESS_TOLD_MS
  task.healthTold = { healthy, quietUntilMs }
}

/** Another leader may have told what it had heard. */
const knownHealth = ({ healthTold, health }: Task): NonNullable<Task['healthTold']> =>
  healthTold ?? { healthy: health?.healthy, quietUntilMs: 0 }

/**
 * What is left of forgotten tasks on the disk. Sandboxes go when they are old, sooner when the disk
 * is fuller, the oldest first; each is one launch's own, so nobody who comes back needs it. What
 * tasks have that the agent holds is never touched. What was made for any task goes likewise.
 */
import { DISK_HEADROOM, SANDBOX_KEEP_MS } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Effect } from './effects.ts'
import type { DiskMeasured } from './inputs.ts'
import { type AgentState, type KeptSandbox, stateOf, type Task } from './state.ts'

/**
 * The disk is looked at so often; sooner while there is more to remove than at once, no room for
 * the checkpoint, or something that could not be launched.
 */
const LOOK_MS = 60_000
const LOOK_AGAIN_MS = 1_000
/** Removed after one look. */
const REMOVALS_MAX = 100

/** Keeps the sandbox of an ended task; when there are too many, the oldest goes for it. */
export function keepSandbox(state: AgentState, task: Task): void {
  noteSandbox(state, task)
  const oldest = oldestSurplus(state)
  if (oldest !== undefined) remove(state, oldest)
}

/** As `keepSandbox` of an earlier start, which has removed what went for it. */
export function recallSandbox(state: AgentState, task: Task): void {
  noteSandbox(state, task)
  const oldest = oldestSurplus(state)
  // Were it there all the same, the first look would find it.
  if (oldest !== undefined) state.sandboxes.delete(oldest.launch)
}

function noteSandbox(state: AgentState, task: Task): void {
  const { framework, taskId, launch, last } = task
  const { principal, frameworkId } = framework
  const endedAtMs = last !== undefined && isTerminal(stateOf(task)) ? last.atMs : undefined
  state.sandboxes.set(launch, { principal, frameworkId, taskId, launch, endedAtMs })
}

function oldestSurplus({ sandboxes, profile }: AgentState): KeptSandbox | undefined {
  return sandboxes.size > profile.sandboxesMax ? sandboxes.values().next().value : undefined
}

function remove({ sandboxes, outbox }: AgentState, sandbox: KeptSandbox): void {
  const { principal, frameworkId, taskId, launch } = sandbox
  sandboxes.delete(launch)
  outbox.removals.push({ principal, frameworkId, taskId, launch })
}

/** Who keeps none need not look. */
export function lookSoon(state: AgentState, now: Now, delayMs = LOOK_AGAIN_MS): void {
  if (state.profile.sandboxesMax === 0) return
  state.deadlines.set('disk', now.monotonicMs + delayMs, { kind: 'disk' })
}

/** Something could not be launched: perhaps for want of room. */
export function lookAfterFailure({ deadlines, profile }: AgentState, now: Now): void {
  if (profile.sandboxesMax === 0 || deadlines.has('failure')) return
  deadlines.set('failure', now.monotonicMs + LOOK_AGAIN_MS, { kind: 'disk' })
}

/** The first look since the start also shows what was left by who lost its checkpoint. */
export function measureDisk(state: AgentState): readonly Effect[] {
  if (state.link.kind === 'given-up') return []
  return [{ do: 'measure-disk', lists: !state.hasListedSandboxes }]
}

/** Without a measure, the disk is as good as empty. */
export function heardDisk(
  state: AgentState,
  { usedPart = 0, found }: DiskMeasured,
  now: Now,
): readonly Effect[] {
  if (found !== undefined) adopt(state, found)
  const { sandboxKeepMs: keepMs = SANDBOX_KEEP_MS, diskHeadroom = DISK_HEADROOM } = state.profile
  const ageMsMax = keepMs * Math.max(0, 1 - diskHeadroom - usedPart)
  let surplus = state.sandboxes.size - state.profile.sandboxesMax
  let removals = 0
  for (const sandbox of state.sandboxes.values()) {
    sandbox.endedAtMs ??= now.wallMs
    // To a clock that went back it has only just ended: on a full disk it goes all the same.
    const ageMs = Math.max(0, now.wallMs - sandbox.endedAtMs)
    if (surplus <= 0 && ageMs < ageMsMax) continue
    if (removals === REMOVALS_MAX) break
    remove(state, sandbox)
    surplus -= 1
    removals += 1
  }
  const isHurried = removals === REMOVALS_MAX || state.cannotRecord !== undefined
  lookSoon(state, now, isHurried ? LOOK_AGAIN_MS : LOOK_MS)
  return [{ do: 'remove-unused', unusedMs: ageMsMax }]
}

/** What nobody knows of is kept as long as what is known. */
function adopt(state: AgentState, found: NonNullable<DiskMeasured['found']>): void {
  state.hasListedSandboxes = true
  for (const { sandbox, atMs } of [...found].sort((a, b) => a.atMs - b.atMs)) {
    const { launch } = sandbox
    if (state.tasks.has(launch) || state.sandboxes.has(launch)) continue
    state.sandboxes.set(launch, { ...sandbox, endedAtMs: atMs })
  }
}

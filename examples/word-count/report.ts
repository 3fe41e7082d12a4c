/** What the word count tells: lines for programs while it runs, and its result for people. */
import type { AgentRecord, CountState, Progress, TaskRecord } from './state.ts'
import { topWords, totalOf } from './words.ts'

export interface Planned {
  readonly event: 'planned'
  readonly folder: string
  readonly files: number
  readonly bytes: number
  readonly parts: number
  readonly notText: number
  readonly unreadable: number
}

export interface Result {
  readonly event: 'result'
  /** By the alphabet. */
  readonly counts: readonly (readonly [word: string, count: number])[]
  readonly tasks: readonly TaskRecord[]
  readonly agents: readonly AgentResult[]
}

export interface AgentResult extends Omit<AgentRecord, 'declined'> {
  readonly declined: readonly (readonly [reason: string, times: number])[]
}

export interface TaskEvent {
  readonly event: 'task'
  readonly task: TaskRecord
  readonly progress: Progress
}

/** A line of `--json`. */
export type CountEvent =
  | Planned
  | { readonly event: 'declined'; readonly agentId: string; readonly reason: string }
  | TaskEvent
  | Result

export function resultOf({ counts, tasks, agents }: CountState): Result {
  return {
    event: 'result',
    counts: topWords(counts, counts.size).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    tasks: [...tasks.values()],
    agents: [...agents.values()]
      .map((agent) => ({ ...agent, declined: [...agent.declined] }))
      .sort((a, b) => (a.agentId < b.agentId ? -1 : 1)),
  }
}

export function plannedLine(planned: Planned): string {
  const { folder, files, bytes, parts, notText, unreadable } = planned
  const more = [
    notText > 0 ? `${notText} that ${notText === 1 ? 'is' : 'are'} no text` : '',
    unreadable > 0 ? `${unreadable} that cannot be read` : '',
  ].filter((text) => text !== '')
  const without = more.length > 0 ? ` (without ${more.join(' and ')})` : ''
  const what = files === 1 ? '1 text file' : `${files} text files`
  const pieces = parts === 1 ? '1 part' : `${parts} parts`
  return `${what} of ${folder}, ${sizeText(bytes)}, in ${pieces}${without}`
}

const KIB = 1024
const MIB = KIB * KIB

export function sizeText(bytes: number): string {
  if (bytes < KIB) return `${bytes} bytes`
  return bytes < MIB ? `${(bytes / KIB).toFixed(1)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`
}

const BAR_WIDTH = 40
/** A word may be long: what tells nothing shall not fill the page. */
const WORD_WIDTH_MAX = 24

/** The most frequent ones, with a bar each. */
export function wordLines(counts: Result['counts'], wanted: number): readonly string[] {
  const top = topWords(new Map(counts), wanted)
  const most = top[0]?.[1] ?? 1
  const words = top.map(([word]) =>
    word.length > WORD_WIDTH_MAX ? `${word.slice(0, WORD_WIDTH_MAX - 1)}…` : word,
  )
  const wordWidth = Math.max(...words.map((word) => word.length))
  const countWidth = String(most).length
  return top.map(([, count], i) => {
    const bar = '█'.repeat(Math.max(1, Math.round((count / most) * BAR_WIDTH)))
    return `${words[i]?.padEnd(wordWidth)}  ${String(count).padStart(countWidth)}  ${bar}`
  })
}

/** Which tasks an agent ran, and how its offers were answered. */
export function agentLine(
  { agentId, offers, accepted, declined }: AgentResult,
  tasks: Result['tasks'],
) {
  const own = tasks.filter((task) => task.agentId === agentId).map(({ taskId }) => taskId)
  const noes = declined.reduce((sum, [, times]) => sum + times, 0)
  return `${agentId} ran ${own.join(' ') || 'nothing'}; offers: ${offers}, accepted ${accepted}, declined ${noes}`
}

export function taskLine(
  { taskId, part, agentId, state, words, why }: TaskRecord,
  progress: Progress,
): string {
  const what = state === 'counted' ? `counted ${words ?? 0} words` : (why ?? state)
  return `part ${part}: ${taskId} on ${agentId}: ${what} (${progress.counted} of ${progress.parts} parts)`
}

export function totalLine(counts: Result['counts']): string {
  const total = totalOf(new Map(counts))
  const different = counts.length === 1 ? '1 different one' : `${counts.length} different ones`
  return `${total === 1 ? '1 word' : `${total} words`}, ${different}`
}

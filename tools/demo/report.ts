/** The outcome of a demo, for people and for programs. */
import { type Column, tableLines } from '../../cli/table.ts'
import {
  type AgentResult,
  sizeText,
  totalLine,
  wordLines,
} from '../../examples/word-count/report.ts'
import type { TaskRecord } from '../../examples/word-count/state.ts'
import { topWords, totalOf } from '../../examples/word-count/words.ts'
import type { Kill } from './kills.ts'
import { differences, faults, type Outcome } from './outcome.ts'

const TOP = 20
/** A large folder takes hundreds; `--json` has all. */
const TASKS_MAX = 24

/** `widthMax`: the terminal's; absent: nothing is cut. */
export function outcomeLines(outcome: Outcome, widthMax?: number): readonly string[] {
  const { result, kills, elapsedMs } = outcome
  return [
    ...wordLines(result.counts, TOP),
    '',
    ...tableLines(TASK_COLUMNS, result.tasks.slice(0, TASKS_MAX), widthMax),
    ...(result.tasks.length > TASKS_MAX ? [`and ${result.tasks.length - TASKS_MAX} more`] : []),
    '',
    ...tableLines(agentColumns(result.tasks), result.agents, widthMax),
    '',
    ...kills.map((kill) => killLine(kill, result.tasks)),
    checkLine(outcome),
    `left behind: ${outcome.leftBehind.length}`,
    `took ${(elapsedMs / 1000).toFixed(1)} s`,
  ]
}

const number = (value: number | undefined): string => (value === undefined ? '' : String(value))

const TASK_COLUMNS: readonly Column<TaskRecord>[] = [
  { title: 'TASK', text: ({ taskId }) => taskId },
  { title: 'AGENT', text: ({ agentId }) => agentId },
  { title: 'FILES', text: ({ files }) => number(files), align: 'right' },
  { title: 'SIZE', text: ({ bytes }) => sizeText(bytes), align: 'right' },
  { title: 'WORDS', text: ({ words }) => number(words), align: 'right' },
  {
    title: 'TOOK',
    text: ({ tookMs }) => (tookMs === undefined ? '' : `${tookMs}ms`),
    align: 'right',
  },
  {
    title: 'STATE',
    text: ({ state, why }) => (why === undefined ? state : `${state}: ${why}`),
    gives: true,
  },
]

function agentColumns(tasks: readonly TaskRecord[]): readonly Column<AgentResult>[] {
  const counted = ({ agentId }: AgentResult): readonly TaskRecord[] =>
    tasks.filter((task) => task.agentId === agentId && task.state === 'counted')
  const words = (agent: AgentResult): number =>
    counted(agent).reduce((sum, task) => sum + (task.words ?? 0), 0)
  const declined = ({ declined }: AgentResult): number =>
    declined.reduce((sum, [, times]) => sum + times, 0)
  return [
    { title: 'AGENT', text: ({ agentId }) => agentId },
    { title: 'COUNTED', text: (agent) => String(counted(agent).length), align: 'right' },
    { title: 'WORDS', text: (agent) => String(words(agent)), align: 'right' },
    { title: 'OFFERS', text: ({ offers }) => String(offers), align: 'right' },
    { title: 'ACCEPTED', text: ({ accepted }) => String(accepted), align: 'right' },
    { title: 'DECLINED', text: (agent) => String(declined(agent)), align: 'right' },
    {
      title: 'WHY DECLINED',
      text: ({ declined }) => declined.map(([reason, times]) => `${reason} (${times})`).join(', '),
      gives: true,
    },
  ]
}

function killLine({ what, name, pid, tasks, backMs, successor }: Kill, all: readonly TaskRecord[]) {
  const seconds = ((backMs ?? 0) / 1000).toFixed(1)
  if (what === 'master')
    return `${name} (pid ${pid}) led and was killed: ${successor} leads after ${seconds} s`
  const had = `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}`
  const lost = all.filter((task) => tasks.includes(task.taskId) && task.state === 'lost')
  const again = lost.map(({ taskId }) => taskId).join(' and ')
  const fate = lost.length === 0 ? 'all went on' : `${again} had to be done again`
  return `${name} (pid ${pid}) ran ${had} and was killed: back after ${seconds} s, ${fate}`
}

function checkLine(outcome: Outcome): string {
  const { result } = outcome
  const total = totalLine(result.counts)
  const different = differences(outcome).length
  return different === 0
    ? `the same ${total}, counted without the cluster: equal`
    : `${total}; counted without the cluster, ${different} words differ`
}

/** Of `--json`. */
export function outcomeDocument(outcome: Outcome): object {
  const { planned, result, kills, leftBehind, elapsedMs } = outcome
  const { event: _, ...plan } = planned
  const counts = new Map(result.counts)
  return {
    ...plan,
    words: totalOf(counts),
    differentWords: counts.size,
    top: topWords(counts, TOP),
    tasks: result.tasks,
    agents: result.agents,
    kills,
    equal: differences(outcome).length === 0,
    leftBehind,
    faults: faults(outcome),
    elapsedMs,
  }
}

/** What a run of garbage came to, in a few lines. */
import type { Outcome } from './run.ts'

export function summary(outcome: Outcome): readonly string[] {
  const { subjects, messages, refused, counters, leads, tasks, seconds, rssMib } = outcome
  const all = [...refused.values()].reduce((sum, count) => sum + count, 0)
  const names = [...refused].sort(([, a], [, b]) => b - a)
  const unobeyed = [...counters].filter(
    ([name]) => !/^(?:calls|offers|operator|refused|tasks-launched|allocations-made)/.test(name),
  )
  return [
    `${subjects} subjects × ${messages} messages, ${all} refused by name`,
    `refused: ${names.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    `passed over: ${unobeyed.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    `${Math.round(seconds)} s, ${Math.round(messages / seconds)} messages/s, ${leads} leads, ` +
      `${tasks} tasks of a polite framework ran meanwhile`,
    `MiB before and after: ${[...rssMib].map(([name, [a, b]]) => `${name} ${a} → ${b}`).join(', ')}`,
  ]
}

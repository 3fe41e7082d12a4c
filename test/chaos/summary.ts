/** How a run of chaos is told: to people, to programs, and to the log of runs. */
import { type ChaosOutcome, neverBegunText } from './outcome.ts'

/** Counts of everything; its last lines are what one looks for. */
export function summary(outcome: ChaosOutcome): readonly string[] {
  const { figures, kinds, violations, leftBehind, calmMs, ownEnds } = outcome
  const worst = Object.entries(kinds).sort(([, a], [, b]) => b.worstMs - a.worstMs)
  const ends = Object.entries(figures.ended).map(([state, count]) => `${count} ${state}`)
  const own = Object.entries(ownEnds).map(([name, count]) => `${name} ${count}`)
  const never = neverBegunText(figures.neverBegun)
  return [
    `${outcome.minutes} minutes, seed ${outcome.seed}, ${outcome.servers} NATS server${outcome.servers > 1 ? 's' : ''}`,
    `${outcome.faults} faults in ${outcome.rounds} rounds; slowest recovery of each kind, and what is stated:`,
    ...worst.map(([kind, { times, worstMs, withinMs }]) => {
      const took = `${(worstMs / 1000).toFixed(1)} s`
      return `  ${kind.padEnd(18)} ${String(times).padStart(4)} ×  ${took.padStart(7)} of ${withinMs / 1000} s`
    }),
    `tasks: ${figures.launched} launched, ${figures.started} began, ${figures.killed} kills asked for`,
    `ends: ${ends.join(', ')}; ${figures.excused} by reboots and full disks`,
    ...(never === '' ? [] : [`never began: ${never}`]),
    `the observer missed ${figures.missed} messages of leaders and was deaf ${figures.deaf} times`,
    ...(own.length > 0 ? [`ended by themselves, and started again: ${own.join(', ')}`] : []),
    ...outcome.skipped.map((what) => `not done here: ${what}`),
    `calm: all agree after ${(calmMs / 1000).toFixed(1)} s`,
    ...violations.map((sentence) => `VIOLATION ${sentence}`),
    ...leftBehind.map((line) => `LEFT ${line}`),
    ...(outcome.folder === undefined ? [] : [`logs: ${outcome.folder}`]),
    `lost: ${figures.lost}`,
    `doubled: ${figures.doubled}`,
    `left behind: ${leftBehind.length}`,
    `again: npm run chaos -- --minutes ${outcome.minutes} --seed ${outcome.seed}${outcome.servers > 1 ? ' --servers 3' : ''}`,
  ]
}

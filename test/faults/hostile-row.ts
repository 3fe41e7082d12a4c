/** Rows whose fault is a task: it runs beside a neighbour on the one agent of a cluster. */
import { CGROUP_ISOLATORS } from '../../agent-runtime/isolator/order.ts'
import { hostileTaskOf } from '../hostile/cases.ts'
import { wrongIn } from '../hostile/outcome.ts'
import { runHostile } from '../hostile/run.ts'
import { summary } from '../hostile/summary.ts'
import type { Need } from '../support/needs.ts'
import { rootNeed } from './needs.ts'
import type { Row, RowOutcome } from './row.ts'

const REST_MS = 2_000

/** `tasks`: names of hostile tasks, one after another. */
export function hostileRow(
  row: Omit<Row, 'run' | 'needs' | 'invariants'>,
  tasks: readonly string[],
): Row {
  return {
    ...row,
    invariants: ['I6', 'I8'],
    needs: () => needsOf(tasks),
    run: ({ folder }) => seen(tasks, folder),
  }
}

function needsOf(tasks: readonly string[]): readonly Need[] {
  const known: readonly string[] = [
    'kill',
    'disk',
    'ports',
    ...CGROUP_ISOLATORS.map(({ name }) => name),
  ]
  const wanted = new Set(tasks.flatMap((name) => hostileTaskOf(name)?.needs ?? []))
  const holds = [...wanted].map((name) => ({
    name: `what holds tasks by ${name}`,
    found: known.includes(name),
  }))
  return [rootNeed(), ...holds]
}

async function seen(names: readonly string[], workDir: string): Promise<RowOutcome> {
  const outcome = await runHostile({
    tasks: names.flatMap((name) => hostileTaskOf(name) ?? []),
    restMs: REST_MS,
    only: 'alone',
    workDir,
    keep: true,
    say: () => undefined,
  })
  const ends = outcome.alone.flatMap((phase) => phase.ends)
  const skipped = outcome.skipped.map(({ name, why }) => `${name} has not run: ${why}`)
  return {
    recoveryMs: Math.max(0, ...ends.map(({ tookMs }) => tookMs)),
    lost: names.length - ends.length,
    doubled: 0,
    phantom: 0,
    note: summary(outcome)
      .filter((line) => !line.startsWith('WRONG: '))
      .map((line) => line.replaceAll(/\s+/g, ' ').trim())
      .join('; '),
    problems: [...skipped, ...wrongIn(outcome)],
  }
}

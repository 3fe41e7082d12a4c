/** Of a round the parts of the cluster that were hit, each with the time that it may take. */
import type { Affected, Drawn } from './fault.ts'

type Hit = Pick<Drawn, 'affected' | 'withinMs'>

/** An agent or a framework. */
export interface Part<Fault extends Hit = Drawn> {
  readonly of: Affected
  /** Of those that have hit it the one that states the longest time: it counts for that one. */
  readonly fault: Fault
}

/** `all`: each agent and framework; a fault that hits none of them alone hits each. */
export function partsOf<Fault extends Hit>(
  faults: readonly Fault[],
  all: readonly Affected[],
): readonly Part<Fault>[] {
  return all.flatMap((of) => {
    const [longest] = faults
      .filter(({ affected }) => hits(affected, of))
      .toSorted((a, b) => b.withinMs - a.withinMs)
    return longest === undefined ? [] : [{ of, fault: longest }]
  })
}

const hits = ({ agentId, frameworkId }: Affected, of: Affected): boolean =>
  (agentId ?? of.agentId) === of.agentId && (frameworkId ?? of.frameworkId) === of.frameworkId

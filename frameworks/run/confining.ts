/** Instances that are kept apart: only agents that can do so will do. */
import { ISOLATORS, isolatorsAskedBy, listWith } from '../../protocol/agent-attributes.ts'
import type { Constraint } from './constraints.ts'

type Wish = Parameters<typeof isolatorsAskedBy>[0]

/** One for each thing that is asked of its agent. */
export const confiningOf = (wish: Wish): readonly Constraint[] =>
  isolatorsAskedBy(wish).map((isolator) => ({
    text: `an agent with the isolator ${isolator}`,
    name: ISOLATORS,
    told: { attribute: ISOLATORS, matches: listWith(isolator) },
    kind: 'value',
    passes: (values) => values.some((value) => value.split(',').includes(isolator)),
  }))

/** Do a framework's constraints hold of an agent? */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { EXPRESSIONS_PROGRAM_MAX } from '../../protocol/limits.ts'
import type { Attribute, Constraint, Constraints } from '../../protocol/schema/common.ts'
import { compileExpression } from './expression.ts'

/** What of an agent is judged. */
export interface Judged {
  readonly hostname: string
  readonly attributes: readonly Attribute[]
}

export type Judge = (agent: Judged) => boolean

const OPERATORS = ['exists', 'equals', 'notEquals', 'matches', 'notMatches'] as const

/** Holds of one value of an attribute. */
type Test = (value: string) => boolean

/** It may have been compiled before it was found too large. */
const REFUSED_WEIGHT = 1_000

/** How many instructions expressions may still take; they are taken off it. */
export interface Budget {
  instructions: number
}

export const newBudget = (): Budget => ({ instructions: EXPRESSIONS_PROGRAM_MAX })

/**
 * One of the groups must hold, and of a group all; without groups, any agent will do. `place` is
 * where the constraints stand, for a refusal: `constraints.web`. A framework has one budget for
 * all of its roles.
 */
export function compileConstraints(
  constraints: Constraints,
  place: string,
  budget = newBudget(),
): Judge | Refusal {
  const groups: Judge[][] = []
  for (const [g, group] of constraints.entries()) {
    const judges: Judge[] = []
    for (const [c, constraint] of group.entries()) {
      const judge = compileOne(constraint, `${place}.${g}.${c}`, budget)
      if ('code' in judge) return judge
      judges.push(judge)
    }
    groups.push(judges)
  }
  if (groups.length === 0) return () => true
  return (agent) => groups.some((group) => group.every((holds) => holds(agent)))
}

function compileOne(constraint: Constraint, place: string, budget: Budget): Judge | Refusal {
  const operators = OPERATORS.filter((operator) => constraint[operator] !== undefined)
  if (operators.length !== 1) {
    const given = operators.length === 0 ? 'none' : operators.join(' and ')
    const message = `${place} must have exactly one of ${OPERATORS.join(', ')}; it has ${given}`
    return refusal('invalid', message)
  }
  const { attribute, exists, equals, notEquals, matches, notMatches } = constraint
  if (exists !== undefined) return (agent) => hasAny(agent, attribute, () => true) === exists
  const text = equals ?? notEquals
  const test = text === undefined ? testOf(matches ?? notMatches ?? '', budget) : isText(text)
  if (typeof test === 'string') {
    return refusal('invalid', `${place}.${operators[0]} ${test}`)
  }
  const isNone = notEquals !== undefined || notMatches !== undefined
  return (agent) => hasAny(agent, attribute, test) !== isNone
}

/** The test, or what is wrong with the expression. */
function testOf(expression: string, budget: Budget): Test | string {
  const compiled = compileExpression(expression)
  budget.instructions -= typeof compiled === 'string' ? REFUSED_WEIGHT : compiled.weight
  if (typeof compiled === 'string') return compiled
  if (budget.instructions >= 0) return compiled.matches
  return `and those before it take more than ${EXPRESSIONS_PROGRAM_MAX} instructions`
}

const isText =
  (text: string): Test =>
  (value) =>
    value === text

/** `hostname` is what the agent's machine is called, whatever attributes it has. */
function hasAny({ hostname, attributes }: Judged, name: string, test: Test): boolean {
  if (name === 'hostname') return test(hostname)
  for (const attribute of attributes) {
    if (attribute.name === name && test(textOf(attribute))) return true
  }
  return false
}

/** What an attribute is compared as. */
export const textOf = ({ text, scalar }: Attribute): string => text ?? String(scalar ?? '')

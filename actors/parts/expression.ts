/** Regular expressions of strangers: RE2's syntax, matched in linear time, of a bounded size. */
import { RE2JS } from 're2js'
import { EXPRESSION_PROGRAM_MAX } from '../../protocol/limits.ts'
import { estimateProgram, weighExpression } from './expression-size.ts'

export interface Expression {
  /** What it takes to compile it, in instructions. */
  readonly weight: number
  /** True if the whole text matches. */
  readonly matches: (text: string) => boolean
}

/**
 * What is compiled at all, in instructions as they are estimated: what is much too large is known
 * to be so before it takes a second to find out.
 */
const ESTIMATE_MAX = 10 * EXPRESSION_PROGRAM_MAX
/** For the states that matching has met. They are found again, and what is over is forgotten. */
const STATES_BYTES_MAX = 64 * 1024

/** The expression, or what is wrong with it, to stand after its place. */
export function compileExpression(expression: string): Expression | string {
  if (estimateProgram(expression) > ESTIMATE_MAX) return TOO_LARGE
  const { classes, pieces } = weighExpression(expression)
  if (classes > EXPRESSION_PROGRAM_MAX) return TOO_LARGE
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(expression)
  } catch (error) {
    // Whatever it was: an expression that another wrote ends nobody.
    return `is no regular expression: ${String(error).replace(/^.*error parsing regexp: /s, '')}`
  }
  const size = compiled.programSize() + classes
  if (size > EXPRESSION_PROGRAM_MAX) return TOO_LARGE
  return { weight: size + pieces, matches: matcherOf(compiled) }
}

/** What is only checked is never matched, which takes longer to prepare than to compile. */
function matcherOf(compiled: RE2JS): Expression['matches'] {
  let isPrepared = false
  return (text) => {
    if (!isPrepared) {
      const { dfa } = compiled.re2()
      dfa.stateBudget = STATES_BYTES_MAX
      dfa.memBudget = STATES_BYTES_MAX
      isPrepared = true
    }
    return compiled.testExact(text)
  }
}

const TOO_LARGE = `takes more than ${EXPRESSION_PROGRAM_MAX} instructions`

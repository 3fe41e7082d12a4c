/** Regular expressions of strangers: RE2's syntax, matched in linear time, of a bounded size. */
import { RE2JS } from 're2js'
import { EXPRESSION_PROGRAM_MAX } from '../../protocol/limits.ts'

export interface Expression {
  /** In instructions: what it takes to compile it, and at most to match one character. */
  readonly size: number
  /** True if the whole text matches. */
  readonly matches: (text: string) => boolean
}

/**
 * What is compiled at all, in instructions as they are estimated: what is much too large is known
 * to be so before it takes a second to find out.
 */
const ESTIMATE_MAX = 10 * EXPRESSION_PROGRAM_MAX
/** For the states that matching has met. They are found again, and what is over is forgotten. */
const STATES_BYTES_MAX = 256 * 1024

/** The expression, or what is wrong with it, to stand after its place. */
export function compileExpression(expression: string): Expression | string {
  if (estimate(expression) > ESTIMATE_MAX) return TOO_LARGE
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(expression)
  } catch (error) {
    // Whatever it was: an expression that another wrote ends nobody.
    return `is no regular expression: ${String(error).replace(/^.*error parsing regexp: /s, '')}`
  }
  const size = compiled.programSize()
  if (size > EXPRESSION_PROGRAM_MAX) return TOO_LARGE
  return { size, matches: matcherOf(compiled) }
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

/** An atom that takes braces, or a text in which nothing has a meaning. */
const ESCAPE = /\\(?:[xpP]\{[^}]*\}?|Q[\s\S]*?(?:\\E|$)|[\s\S]|$)/y
const CLASS = /\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]?/y
const REPEAT = /\{(\d+)(?:,(\d*))?\}/y

/**
 * No fewer instructions than the expression compiles to: what stands in it, times how often it is
 * to be repeated. Of one with a wrong syntax, any number.
 */
export function estimate(expression: string): number {
  const open: { sum: number; last: number }[] = []
  let group = { sum: 2, last: 1 }
  let at = 0
  const eat = (form: RegExp): RegExpExecArray | undefined => {
    form.lastIndex = at
    const found = form.exec(expression)
    if (found === null) return undefined
    at = form.lastIndex
    return found
  }
  const atom = (size: number): void => {
    group.sum += group.last
    group.last = size
  }
  while (at < expression.length) {
    const escape = eat(ESCAPE)
    const repeat = escape === undefined ? eat(REPEAT) : undefined
    if (escape !== undefined) atom(escape[0].startsWith('\\Q') ? escape[0].length : 1)
    else if (repeat !== undefined) group.last = repeated(group.last, repeat)
    else if (eat(CLASS) !== undefined) atom(1)
    else {
      const unit = expression[at]
      at += 1
      if (unit === '(') {
        open.push(group)
        group = { sum: 2, last: 1 }
      } else if (unit === ')') {
        const { sum, last } = group
        group = open.pop() ?? { sum: 0, last: 0 }
        atom(sum + last)
      } else if (unit === '*' || unit === '+' || unit === '?') group.last += 2
      else atom(unit === '|' ? 2 : 1)
    }
  }
  return open.reduce((sum, outer) => sum + outer.sum + outer.last, group.sum + group.last)
}

function repeated(size: number, [, min, max]: RegExpExecArray): number {
  return Math.max(Number(min), Number(max ?? 0), 1) * (size + 1) + 1
}

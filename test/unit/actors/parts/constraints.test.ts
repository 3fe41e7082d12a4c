import test from 'ava'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { compileConstraints, type Judged } from '../../../../actors/parts/constraints.ts'
import { compileExpression } from '../../../../actors/parts/expression.ts'
import { estimateProgram, weighExpression } from '../../../../actors/parts/expression-size.ts'
import {
  CONSTRAINTS_MAX,
  EXPRESSION_LENGTH_MAX,
  EXPRESSION_PROGRAM_MAX,
} from '../../../../protocol/limits.ts'
import type { Constraint, Constraints } from '../../../../protocol/schema/common.ts'

const AGENT: Judged = {
  hostname: 'node-17.example.org',
  attributes: [
    { name: 'rack', text: 'r12' },
    { name: 'disk', text: 'ssd' },
    { name: 'disk', text: 'tape' },
    { name: 'slots', scalar: 2.5 },
    { name: 'empty', text: '' },
    { name: 'hostname', text: 'another' },
  ],
}

function holds(constraints: Constraints): boolean {
  const judge = compileConstraints(constraints, 'constraints.web')
  if ('code' in judge) throw new Error(judge.message)
  return judge(AGENT)
}

function refusedFor(constraint: Constraint): string {
  const judge = compileConstraints(
    [[{ attribute: 'a', exists: true }, constraint]],
    'constraints.web',
  )
  return 'code' in judge ? judge.message : 'not refused'
}

const ONES: readonly (readonly [Constraint, boolean])[] = [
  [{ attribute: 'rack', exists: true }, true],
  [{ attribute: 'rack', exists: false }, false],
  [{ attribute: 'shelf', exists: true }, false],
  [{ attribute: 'shelf', exists: false }, true],
  [{ attribute: 'rack', equals: 'r12' }, true],
  [{ attribute: 'rack', equals: 'r1' }, false],
  [{ attribute: 'disk', equals: 'tape' }, true],
  [{ attribute: 'disk', notEquals: 'tape' }, false],
  [{ attribute: 'disk', notEquals: 'nvme' }, true],
  [{ attribute: 'shelf', notEquals: 'any' }, true],
  [{ attribute: 'empty', equals: '' }, true],
  [{ attribute: 'shelf', equals: '' }, false],
  [{ attribute: 'slots', equals: '2.5' }, true],
  [{ attribute: 'slots', matches: '[0-9.]+' }, true],
  [{ attribute: 'rack', matches: 'r[0-9]+' }, true],
  [{ attribute: 'rack', matches: 'r1' }, false],
  [{ attribute: 'rack', matches: 'a|r12' }, true],
  [{ attribute: 'rack', matches: '(?i)R12' }, true],
  [{ attribute: 'rack', notMatches: 'r.*' }, false],
  [{ attribute: 'shelf', notMatches: '.*' }, true],
  [{ attribute: 'hostname', matches: 'node-1[0-9]\\..*' }, true],
  [{ attribute: 'hostname', equals: 'another' }, false],
  [{ attribute: 'hostname', exists: true }, true],
]

for (const [constraint, expected] of ONES) {
  test(`${JSON.stringify(constraint)} ${expected ? 'holds' : 'does not hold'}`, (t) => {
    t.is(holds([[constraint]]), expected)
  })
}

test('one of the groups must hold, and of a group all; without groups any agent will do', (t) => {
  const yes: Constraint = { attribute: 'rack', exists: true }
  const no: Constraint = { attribute: 'rack', exists: false }
  t.true(holds([]))
  t.true(holds([[no], [yes, yes]]))
  t.false(holds([[no, yes]]))
  t.false(holds([[yes, no], [no]]))
})

test('none, or more than one operator is refused by its place', (t) => {
  t.is(
    refusedFor({ attribute: 'rack' }),
    'constraints.web.0.1 must have exactly one of exists, equals, notEquals, matches, notMatches; it has none',
  )
  t.regex(
    refusedFor({ attribute: 'rack', equals: 'a', matches: 'b' }),
    /^constraints\.web\.0\.1 .*it has equals and matches$/,
  )
})

test('what is no regular expression is refused by its place, and says why', (t) => {
  t.is(
    refusedFor({ attribute: 'rack', matches: 'a(b' }),
    'constraints.web.0.1.matches is no regular expression: missing closing ): `a(b`',
  )
  for (const notMatches of ['[', '\\', '*', 'a**', '(?=a)', '(a)\\1', 'a{1001}']) {
    const message = refusedFor({ attribute: 'rack', notMatches })
    t.regex(message, /^constraints\.web\.0\.1\.notMatches is no regular expression: /, notMatches)
  }
})

const LARGE = [
  // In which what follows is no part of the class.
  `[[:alpha:][](?:${'abcdefgh'.repeat(25)}){1000}`,
  'a{300}',
  '(a{30}){30}',
  `(?:${'abcdefgh'.repeat(30)}){1000}`,
  '(?:(?:(?:a{10}){10}){10})',
  '(?:aa|b|cc|dd){200}',
  '\\pL{1000}',
  '[a-z]{999}',
  // A second, each of them, for what is not even large: hundreds of ranges, or thousands of
  // letters.
  '\\pL'.repeat(80),
  '[^\\pL]{4}',
  `[${'\\pL'.repeat(80)}]`,
  Array.from({ length: 60 }, () => '\\PN').join('|'),
  `(?i)${'[B-\u{1e942}]'.repeat(40)}`,
  '(?i)[A-\\x{ffff}]',
  '(?i:[!-\\x{fffff}])',
]

test('what would take too many instructions is refused, at once', (t) => {
  for (const matches of LARGE) {
    const message = refusedFor({ attribute: 'rack', matches })
    t.is(message, 'constraints.web.0.1.matches takes more than 300 instructions', matches)
  }
})

test('what people write is not too large', (t) => {
  const hex = '[0-9a-f]'
  const uuid = `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`
  const names = 'node-a|node-b|'.repeat(18)
  for (const one of [
    uuid,
    names,
    'x'.repeat(EXPRESSION_LENGTH_MAX),
    'r(1[0-9]|2[0-4])',
    '\\x{41}+',
    '[\\pL\\d-]+',
    '(?i)[a-z0-9-]{1,63}\\.example\\.org',
    '(?i)[à-ÿ]+',
  ])
    t.is(typeof compileExpression(one), 'object', one)
})

/** Half of what it takes to match these step by step is more than the age of the world. */
const EXPLOSIVE = ['(a+)+$', '(a*)*b', '(a|a)*b', '(?:a?){90}a{90}', '(x+x+)+y', '(.*)*(.*)*z']
/** Each needs many states, or states of many places. */
const EXPENSIVE = [
  '(a|b)*a(a|b){90}',
  '.*a.{280}',
  '(?:a{0,11}){11}',
  '(?:.*[ab].*){50}x',
  '\\pL{2}[^\\x00-\\x{ffff}]{80}',
]

test('no expression explodes, whatever it is matched with', (t) => {
  const text = 'ab'.repeat(512)
  for (const one of [...EXPLOSIVE, ...EXPENSIVE]) {
    const compiled = compileExpression(one)
    if (typeof compiled === 'string') t.fail(`${one} ${compiled}`)
    else
      for (const given of [text, 'a'.repeat(1024), '\n', ''])
        t.is(typeof compiled.matches(given), 'boolean')
  }
})

/** Texts of which many are expressions. */
const pieces = fc.constantFrom(
  ...'ab()[]{}|*+?^$.\\-,:01'.split(''),
  '(?:',
  '(?i)',
  '{2}',
  '{0,9}',
  '{3,}',
  '{50}',
  '[^',
  '[[:alpha:]',
  '\\d',
  '\\pL',
  '\\p{Greek}',
  '\\x{41}',
  '\\x41',
  '\\101',
  '[:',
  ':]',
  '!-',
  '(?-s)',
  '\\Q',
  '\\E',
  '\\b',
  '(a|b)',
  '[a-z]',
  'é',
  '\u{1f600}',
  '\ud800',
)
const expression = fc.array(pieces, { maxLength: 14 }).map((some) => some.join(''))

test('whatever is written, it is compiled or refused, and never larger than estimated', (t) => {
  let compiled = 0
  const property = fc.property(expression, fc.string({ maxLength: 20 }), (written, text) => {
    const size = sizeOf(written)
    const expression = compileExpression(written)
    if (size !== undefined && size > estimateProgram(written)) return false
    if (typeof expression === 'string') {
      const { classes } = weighExpression(written)
      return size === undefined || size + classes > EXPRESSION_PROGRAM_MAX
    }
    compiled += 1
    return typeof expression.matches(text) === 'boolean'
  })
  fc.assert(property, { numRuns: 5_000 })
  t.true(compiled > 500, `${compiled} were expressions`)
})

function sizeOf(written: string): number | undefined {
  try {
    return RE2JS.compile(written).programSize()
  } catch {
    return undefined
  }
}

test('it matches as other engines do, where they agree on the syntax', (t) => {
  const simple = fc.stringMatching(/^(?:[abc.]|\[ab\]|\(a\|bc\)|[abc][*+?]){1,8}$/)
  const property = fc.property(simple, fc.stringMatching(/^[abc]{0,8}$/), (written, text) => {
    const compiled = compileExpression(written)
    const expected = new RegExp(`^(?:${written})$`).test(text)
    return typeof compiled !== 'string' && compiled.matches(text) === expected
  })
  fc.assert(property, { numRuns: 2_000 })
  t.pass()
})

test('expressions of one framework are bounded together', (t) => {
  const large = { attribute: 'rack', matches: 'a{290}' }
  const judge = compileConstraints([Array.from({ length: 14 }, () => large)], 'constraints.web')
  t.like(judge, {
    name: 'invalid',
    message: 'constraints.web.0.13.matches and those before it take more than 4000 instructions',
  })
})

test('classes and groups count more than their instructions: they take longer to compile', (t) => {
  const weightOf = (written: string): number => {
    const compiled = compileExpression(written)
    return typeof compiled === 'string' ? Number.NaN : compiled.weight
  }
  const plain = weightOf('abc')
  t.is(plain, weightOf('[ab]bc') - 10)
  t.is(weightOf('ab\\d'), plain + 10)
  t.is(weightOf('(?:a)bc'), plain + 10)
  t.is(weightOf('ab\\pL'), plain + 100)
  t.is(weightOf('ab[\\PL]'), plain + 110)
})

test('as many as a framework may have are judged', (t) => {
  const group = Array.from({ length: CONSTRAINTS_MAX }, () => ({
    attribute: 'rack',
    matches: '.*',
  }))
  t.true(holds(Array.from({ length: CONSTRAINTS_MAX }, () => group)))
})

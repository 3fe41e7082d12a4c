import test from 'ava'
import { cycles, importsOf, namesOfTwo, RULES } from '../../support/tidy-rules.ts'

/** Rule → files that break it, and files beside them that do not. `path | text`. */
const EXAMPLES: Readonly<Record<keyof typeof RULES, { bad: string[]; good: string[] }>> = {
  'comments are as wide as code': {
    bad: [`bus/wide.ts | // ${'x '.repeat(50)}`, `bus/wide.ts |  * ${'x '.repeat(50)}`],
    good: [
      `bus/wide.ts | // ${'x '.repeat(48)}`,
      `bus/wide.ts | const wide = '${'x '.repeat(50)}'`,
    ],
  },
  'no file is longer than a newcomer will read': {
    bad: [`bus/long.ts | ${'x\n'.repeat(401)}`, `test/long.test.ts | ${'x\n'.repeat(501)}`],
    good: [`test/long.test.ts | ${'x\n'.repeat(499)}`, `docs/long.md | ${'x\n'.repeat(999)}`],
  },
  'files are named in kebab-case': {
    bad: ['bus/runActor.ts | ', 'bus/run_actor.ts | '],
    good: ['bus/run-actor.ts | ', 'README.md | '],
  },
  'imports only point downwards': {
    bad: [
      "protocol/a.ts | import { b } from '../bus/b.ts'",
      "actors/master/a.ts | import type { b } from '../agent/core.ts'",
      "actors/master/a.ts | import { b } from '../../agent-runtime/b.ts'",
      "agent-runtime/a.ts | import { clock } from '../bus/clock.ts'",
      "agent-runtime/x/a.ts | import '../../bus/bus.ts'",
      "bus/a.ts | const b = await import('../cli/b.ts')",
      "examples/a.ts | import { b } from '../bus/bus.ts'",
    ],
    good: [
      "actors/agent/shell.ts | import { b } from '../../agent-runtime/b.ts'",
      "actors/master/a.ts | import {\n  b,\n} from '../parts/b.ts'",
      "agent-runtime/x/a.ts | import type { Clock } from '../../bus/clock.ts'",
      "bus/a.ts | // import { b } from '../cli/b.ts'",
      "test/a.ts | import { b } from '../cli/b.ts'",
    ],
  },
  'cores decide and do not act': {
    bad: [
      "actors/master/core.ts | import type { Bus } from '../../bus/bus.ts'",
      "actors/master/offers.ts | import { run } from './shell.ts'",
      "actors/master/state.ts | import { readFileSync } from 'node:fs'",
      'actors/parts/outbox.ts | export async function a() {}',
    ],
    good: [
      "actors/master/shell.ts | import { run } from '../../bus/bus.ts'\nawait run()",
      "actors/master/core.ts | import assert from 'node:assert/strict'",
      'actors/master/core.ts | /** Does not await. */',
    ],
  },
  'each package has one home': {
    bad: [
      "actors/agent/shell.ts | import { pack } from 'msgpackr'",
      "cli/a.ts | import { connect } from '@nats-io/transport-node'",
      "bus/a.ts | import type { Logger } from 'pino'",
      "protocol/check.ts | import Type from 'typebox'",
      "actors/master/core.ts | import { transition } from 'xstate'",
      "cli/a.ts | import Ajv from 'ajv/dist/2020.js'",
    ],
    good: [
      "bus/codec.ts | import { pack } from 'msgpackr'",
      "protocol/check.ts | import type { TSchema } from 'typebox'",
      "protocol/task-machine.ts | import { setup } from 'xstate'",
      "tools/emit.ts | import Type from 'typebox'",
    ],
  },
  'schemas are imported as types': {
    bad: ["bus/a.ts | import { Status } from '../protocol/schema/status.ts'"],
    good: ["bus/a.ts | import type { Status } from '../protocol/schema/status.ts'"],
  },
  'banned words have one home': {
    bad: [
      'actors/master/core.ts | const nowMs = Date.now()',
      'bus/a.ts | setTimeout(f, 1)',
      'agent-runtime/a.ts | const id = randomUUID()',
      'cli/a.ts | const id = crypto.randomUUID()',
      "test/a.test.ts | import { setTimeout as sleep } from 'node:timers/promises'",
      "test/a.test.ts | test.only('a', b)",
    ],
    good: [
      'bus/clock.ts | const nowMs = Date.now()',
      'bus/a.ts | // never setTimeout(f, 1)',
      'bus/a.ts | socket.setTimeout(1)',
      'tools/a.ts | const nowMs = Date.now()',
    ],
  },
  'subjects are spelled in protocol/subjects.ts': {
    bad: [
      'bus/a.ts | subscribe(`${cluster}.leader`)',
      "cli/a.ts | subscribe('bourse.master.framework.local.f.accept')",
      "cli/a.ts | subscribe('bourse.event.>')",
      "bus/a.ts | const inbox = '_INBOX.a'",
    ],
    good: [
      'bus/a.ts | state.master.framework.id',
      "actors/agent/core.ts | import { a } from './agent.ts'",
      "protocol/subjects.ts | const a = 'bourse.event.>'",
    ],
  },
  'no file passes on the exports of another': {
    bad: ["bus/index.ts | export * from './bus.ts'", "bus/a.ts | export { a } from './b.ts'"],
    good: ["bus/a.ts | export const a = 1\nimport { b } from './b.ts'"],
  },
  'nothing is left for later': {
    bad: ['bus/a.ts | // TODO: later', 'docs/a.md | FIXME', 'bus/a.ts | try { a() } catch {}'],
    good: ['bus/a.ts | try { a() } catch { /* It is gone already. */ }'],
  },
  'no path of one machine': {
    bad: ['docs/a.md | see `/home/me/bourse`', "bus/a.ts | const a = '/work/x'"],
    good: ['docs/a.md | see `docs/home/a.md` and https://example.org/home/a'],
  },
}

for (const [title, rule] of Object.entries(RULES)) {
  test(`the rule can fail: ${title}`, (t) => {
    const { bad = [], good = [] } = EXAMPLES[title] ?? {}
    const problems = (example: string): readonly string[] => {
      const [path = '', ...text] = example.split(' | ')
      return rule({ path, text: text.join(' | ') })
    }
    t.not(bad.length, 0)
    for (const example of bad) t.is(problems(example).length, 1, example.slice(0, 80))
    for (const example of good) t.deepEqual(problems(example), [], example.slice(0, 80))
  })
}

test('the rule can fail: no file imports itself by a detour', (t) => {
  const circle = [
    { path: 'bus/a.ts', text: "import { b } from './b.ts'" },
    { path: 'bus/b.ts', text: "import type { c } from './c.ts'" },
    { path: 'bus/c.ts', text: "import './a.ts'" },
  ]
  t.deepEqual(cycles(circle), ['bus/a.ts → bus/b.ts → bus/c.ts → bus/a.ts'])
})

test('the rule can fail: no two files of a machine’s side export the same name', (t) => {
  const files = [
    { path: 'agent-runtime/a.ts', text: 'export interface Place {\n}\nexport const a = 1' },
    { path: 'agent-runtime/x/b.ts', text: 'export async function* a() {}\ntype Place = 1' },
    { path: 'bus/c.ts', text: 'export type Place = 1' },
  ]
  t.deepEqual(namesOfTwo(files), ['a: agent-runtime/a.ts, agent-runtime/x/b.ts'])
})

test('imports are read in every form, not in comments', (t) => {
  const text = [
    "import a, { type B } from './a.ts'",
    "import type { C } from './c.ts'",
    "/* import './no.ts' */ const url = 'nats://host' // import './no.ts'",
    "export type { D } from './d.ts'",
  ].join('\n')
  t.deepEqual(importsOf({ path: 'bus/x.ts', text }), [
    { target: 'bus/a.ts', isType: false },
    { target: 'bus/c.ts', isType: true },
    { target: 'bus/d.ts', isType: true },
  ])
})

/** What docs/framework-in-any-language.md shows is what the protocol takes. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { check } from '../../../protocol/check.ts'
import { REFUSAL_CODES } from '../../../protocol/errors.ts'
import type { MessageName } from '../../../protocol/schema/messages.ts'
import * as subjects from '../../../protocol/subjects.ts'
import { isTerminal, TERMINAL_STATES } from '../../../protocol/task-state.ts'

const PAGE = readFileSync('docs/framework-in-any-language.md', 'utf8')

/** The messages that the page shows, each below a line that begins with its subject. */
const SHOWN = [...PAGE.matchAll(/^`([^`]+)`[^\n]*:\n```json\n([\s\S]*?)^```$/gm)].map(
  ([, subject = '', json = '']) => ({ subject, value: JSON.parse(json) as object }),
)

function messageOn(subject: string): MessageName | undefined {
  for (const route of Object.values(subjects)) {
    if (typeof route !== 'object' || !('template' in route)) continue
    const ids = route.parse(subject)
    if (ids !== undefined) return route.body(ids as never)
  }
  return undefined
}

test('every message that the page shows is one of the protocol, with nothing unknown in it', (t) => {
  t.is(SHOWN.length, PAGE.split('```json').length - 1)
  for (const { subject, value } of SHOWN) {
    const name = messageOn(subject)
    if (name === undefined) return t.fail(`${subject} is no subject`)
    const checked = check(name, structuredClone(value))
    t.deepEqual(checked, { ok: true, value } as never, subject)
  }
})

test('the page shows the whole walk', (t) => {
  const kinds = SHOWN.flatMap(({ value }) =>
    'events' in value ? (value.events as { kind: string }[]).map(({ kind }) => kind) : [],
  )
  t.deepEqual(kinds, ['subscribed', 'offers', 'ping', 'error', 'rescind'])
  const names = new Set(SHOWN.map(({ subject }) => messageOn(subject)))
  for (const name of [
    'Subscribe',
    'Decline',
    'Accept',
    'PongCall',
    'Reconcile',
    'Teardown',
    'UpdateFramework',
  ])
    t.true(names.has(name as MessageName), name)
  for (const name of ['LeaderBeat', 'StatusUpdates', 'Acknowledgements'])
    t.true(names.has(name as MessageName), name)
})

test('the refusals and the final states that it names are those that there are', (t) => {
  const rows = [...PAGE.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+)(?: \([^)]*\))? \|/gm)]
  const named = rows.flatMap(([, names = '']) => [...names.matchAll(/[a-z-]+/g)].map(String))
  const fields = ['session', 'n', 'call', 'epoch', 'version']
  const known = Object.keys(REFUSAL_CODES)
  t.deepEqual(
    named.filter((name) => !fields.includes(name) && !known.includes(name)),
    [],
  )
  const mentioned = new Set(PAGE.match(/TASK_[A-Z_]+/g) ?? [])
  // Bourse itself never says TASK_LOST.
  const final = TERMINAL_STATES.filter((state) => state !== 'TASK_LOST' && isTerminal(state))
  t.deepEqual(
    final.filter((state) => !mentioned.has(state)),
    [],
  )
})

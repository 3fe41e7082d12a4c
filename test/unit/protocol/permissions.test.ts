import test from 'ava'
import type { AgentId, FrameworkId, MasterId, Principal } from '../../../protocol/ids.ts'
import { type Permissions, permissionsOf, type User } from '../../../protocol/permissions.ts'
import * as subjects from '../../../protocol/subjects.ts'

const ALICE = 'alice' as Principal

/** What each may do, word for word: a change here is a change of who is trusted with what. */
const TABLE: Readonly<Record<string, { readonly user: User } & Permissions>> = {
  'an agent speaks and hears as itself': {
    user: { kind: 'agent', agentId: 'a1' as AgentId },
    publish: [
      'c.master.agent.a1',
      'c.update.*.*.a1',
      'c.log.a1.*.*',
      'c.sandbox.a1.*.*',
      'c.found.a1',
      'c.usage.a1.*.*',
    ],
    subscribe: ['c.leader', 'c.find', 'c.agent.a1', 'c.ack.*.*.a1'],
  },
  'a framework with an id is that one': {
    user: { kind: 'framework', principal: ALICE, frameworkId: 'wc' as FrameworkId },
    publish: ['c.master.framework.alice.wc.*', 'c.ack.alice.wc.*'],
    subscribe: [
      'c.leader',
      'c.framework.alice.wc',
      'c.update.alice.wc.*',
      'c.log.*.alice.wc',
      '_INBOX.c.framework.alice.wc.>',
    ],
  },
  'a framework without an id is any of its principal': {
    user: { kind: 'framework', principal: ALICE },
    publish: ['c.master.framework.alice.*.*', 'c.ack.alice.*.*'],
    subscribe: [
      'c.leader',
      'c.framework.alice.*',
      'c.update.alice.*.*',
      'c.log.*.alice.*',
      '_INBOX.c.framework.alice.>',
    ],
  },
  'an operator calls the leader, and reads what tasks wrote': {
    user: { kind: 'operator', principal: ALICE },
    publish: ['c.master.operator.alice.*'],
    subscribe: [
      'c.log.*.*.*',
      'c.sandbox.*.*.*',
      'c.found.*',
      'c.usage.*.*.*',
      'c.shadow.*',
      '_INBOX.c.operator.alice.>',
    ],
  },
  'an observer says nothing': {
    user: { kind: 'observer', name: 'olga' },
    publish: [],
    subscribe: ['c.event.>', 'c.update.>', 'c.shadow.*', '_INBOX.c.observer.olga.>'],
  },
  'a master says what leaders say, and answers who calls': {
    user: { kind: 'master', masterId: 'm1' as MasterId },
    publish: [
      'c.leader',
      'c.master.peer.m1',
      'c.agent.*',
      'c.find',
      'c.framework.*.*',
      'c.allocator',
      'c.event.*.*',
      'c.event.*.*.*.*',
      '_INBOX.c.framework.>',
      '_INBOX.c.operator.>',
    ],
    subscribe: [
      'c.leader',
      'c.master.peer.*',
      'c.master.agent.*',
      'c.update.*.*.*',
      'c.master.allocator',
      'c.master.framework.*.*.*',
      'c.master.operator.*.*',
      '_INBOX.c.master.m1.>',
    ],
  },
  'an allocator speaks with the leader, as a shadow with the world, and hears other allocators': {
    user: { kind: 'allocator', name: 'a1' },
    publish: ['c.master.allocator', 'c.shadow.*'],
    subscribe: ['c.leader', 'c.allocator', 'c.master.allocator'],
  },
}

for (const [title, { user, ...permissions }] of Object.entries(TABLE))
  test(title, (t) => {
    t.deepEqual(permissionsOf('c', user), permissions)
  })

/** As a server matches: `*` one token, `>` the rest. */
function allows(subjects: readonly string[], subject: string): boolean {
  return subjects.some((pattern) => {
    const [tokens, wanted] = [subject.split('.'), pattern.split('.')]
    return (
      wanted.every((one, i) => one === '>' || one === '*' || one === tokens[i]) &&
      (wanted.at(-1) === '>' ? tokens.length >= wanted.length : tokens.length === wanted.length)
    )
  })
}

/** No two users of one kind may be mistaken for each other, and nobody for a master. */
const SOMEBODY = Object.values(TABLE).map(({ user }) => user)
for (const user of SOMEBODY)
  test(`${Object.values(user).join(' ')} of another cluster may do nothing here`, (t) => {
    const { publish, subscribe } = permissionsOf('other', user)
    for (const { publish: said, subscribe: heard } of Object.values(TABLE)) {
      const all = [...said, ...heard].map((pattern) => pattern.replaceAll(/[*>]/g, 'x'))
      t.deepEqual(
        all.filter((subject) => allows([...publish, ...subscribe], subject)),
        [],
      )
    }
  })

test('only the leader answers inboxes, and none but those of frameworks and operators', (t) => {
  const mayAnswer = SOMEBODY.filter((user) =>
    permissionsOf('c', user).publish.some((subject) =>
      allows([subject], '_INBOX.c.framework.p.f.x'),
    ),
  )
  t.deepEqual(
    mayAnswer.map(({ kind }) => kind),
    ['master'],
  )
})

const ROUTES = Object.entries(subjects).flatMap(([name, value]) =>
  typeof value === 'object' && 'template' in value ? [{ name, template: value.template }] : [],
)
for (const { name, template } of ROUTES)
  test(`${name} has somebody who may say it, and somebody who may hear it`, (t) => {
    const here = template.replace('{cluster}', 'c').replaceAll(/\{\w+\}/g, '*')
    const of = (side: keyof Permissions): boolean =>
      Object.values(TABLE).some(({ [side]: list }) =>
        list.some((pattern) => overlaps(pattern.split('.'), here.split('.'))),
      )
    t.true(of('publish') && of('subscribe'), here)
  })

/** Is there a subject of both? The second holds no `>`. */
function overlaps(one: readonly string[], other: readonly string[]): boolean {
  if (one.at(-1) !== '>' && one.length !== other.length) return false
  return one.every(
    (token, i) => token === '>' || token === '*' || other[i] === '*' || token === other[i],
  )
}

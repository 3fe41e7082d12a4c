import test from 'ava'
import fc from 'fast-check'
import { TOKEN_PATTERN } from '../../../protocol/ids.ts'
import type { Route } from '../../../protocol/route.ts'
import type { MessageName } from '../../../protocol/schema/messages.ts'
import * as subjects from '../../../protocol/subjects.ts'

type AnyRoute = Route<Readonly<Record<string, string>>, MessageName>

const ROUTES = Object.entries(subjects).filter(
  (entry): entry is [string, AnyRoute & (typeof entry)[1]] =>
    typeof entry[1] === 'object' && 'template' in entry[1],
) as unknown as readonly (readonly [string, AnyRoute])[]

const namesIn = (template: string): readonly string[] =>
  [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
const token = fc.stringMatching(new RegExp(TOKEN_PATTERN))
const idsOf = (route: AnyRoute) =>
  fc.record(Object.fromEntries(namesIn(route.template).map((name) => [name, token])))

test('there are nineteen routes', (t) => t.is(ROUTES.length, 19))

for (const [name, route] of ROUTES) {
  test(`${name}: what is sent to is what is listened on and parsed`, (t) => {
    fc.assert(
      fc.property(idsOf(route), (ids) => {
        const subject = route.to(ids)
        t.deepEqual({ ...route.parse(subject) }, { ...ids })
        t.is(route.on(ids), subject)
        t.is(route.on({}), route.template.replaceAll(/\{\w+\}/g, '*'))
      }),
    )
  })

  test(`${name}: nothing but a token is an id`, (t) => {
    const good = Object.fromEntries(namesIn(route.template).map((id) => [id, 'x']))
    for (const id of namesIn(route.template)) {
      for (const bad of ['*', '>', '', 'a.b', 'a b', 'x'.repeat(65)]) {
        const ids = { ...good, [id]: bad }
        t.throws(() => route.to(ids), { code: 'ERR_ASSERTION' }, `${id}: ${bad}`)
        t.throws(() => route.on(ids), { code: 'ERR_ASSERTION' }, `${id}: ${bad}`)
        const subject = route.template.replaceAll(/\{(\w+)\}/g, (_, key: string) => ids[key] ?? '')
        t.is(route.parse(subject), undefined, subject)
      }
      const { [id]: _, ...rest } = good
      t.throws(() => route.to(rest), { code: 'ERR_ASSERTION', message: new RegExp(id) })
    }
  })

  test(`${name}: subjects of other routes are not parsed`, (t) => {
    for (const [other, { template }] of ROUTES) {
      if (other === name) continue
      const subject = template.replaceAll(/\{\w+\}/g, 'x')
      t.is(route.parse(subject), undefined, subject)
    }
    t.is(route.parse(''), undefined)
    t.is(route.parse(`${route.template.replaceAll(/\{\w+\}/g, 'x')}.x`), undefined)
  })
}

test('a verb says which message its route carries; no other word is one', (t) => {
  const ids = { cluster: 'c', principal: 'p', frameworkId: 'f' } as never
  const bodyOf = (verb: string) =>
    subjects.frameworkCall.body({ ...(ids as object), verb } as never)
  for (const [verb, body] of Object.entries(subjects.FRAMEWORK_VERBS)) t.is(bodyOf(verb), body)
  for (const none of ['', 'Subscribe', 'toString', '__proto__', 'constructor']) {
    t.is(bodyOf(none), undefined, none)
  }
})

test('every operator verb has an answer', (t) => {
  t.deepEqual(Object.keys(subjects.OPERATOR_ANSWERS), Object.keys(subjects.OPERATOR_VERBS))
})

import test from 'ava'
import fc from 'fast-check'
import {
  type AgentId,
  countOf,
  type FrameworkId,
  frameworkKey,
  isLaterLaunch,
  isToken,
  type Launch,
  madeIn,
  type OfferId,
  type Principal,
  parseId,
  TOKEN_PATTERN,
  tokenFrom,
} from '../../../protocol/ids.ts'

const token = fc.stringMatching(new RegExp(TOKEN_PATTERN))

test('a token is 1 to 64 letters, digits, _ or -', (t) => {
  for (const good of ['a', 'A-9_z', '-', 'x'.repeat(64)]) t.true(isToken(good), good)
  for (const bad of ['', 'x'.repeat(65), 'a.b', '*', '>', 'a b', 'ä', 'a\n', '\0', '$SYS']) {
    t.false(isToken(bad), JSON.stringify(bad))
  }
})

test('what a person gives is an id or a refusal that shows it', (t) => {
  t.is(parseId<AgentId>('agent', 'node-1'), 'node-1' as AgentId)
  t.deepEqual(parseId('agent', 'node.1'), {
    code: 400,
    name: 'invalid',
    message: 'agent "node.1" is not 1 to 64 letters, digits, _ or -',
  })
})

test('any host name becomes a token', (t) => {
  t.is(tokenFrom('node1.example.com'), 'node1-example-com')
  t.is(tokenFrom('..'), 'host')
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => t.true(isToken(tokenFrom(text)))))
})

test('an offer or launch says which leader made it', (t) => {
  const id = '17-00000000000000aa-5'
  t.deepEqual(madeIn(id as OfferId) as unknown, { epoch: 17, run: '00000000000000aa' })
  for (const other of ['', 'x', '17-aa-5', '17-00000000000000AA-5', `${id}-1`, `-${id}`]) {
    t.is(madeIn(other as Launch), undefined, other)
  }
})

test('launches are ordered by epoch, then by count, whoever made them', (t) => {
  const made = (epoch: number, run: string, count: number) =>
    `${epoch}-${run.repeat(16)}-${count}` as Launch
  const inOrder = [made(9, 'a', 9), made(9, 'a', 10), made(10, 'b', 1), made(10, '9', 2)]
  for (const [i, one] of inOrder.entries()) {
    for (const [j, other] of inOrder.entries()) {
      t.is(isLaterLaunch(one, other), i > j, `${one} after ${other}`)
    }
  }
  t.is(countOf(made(17, 'a', 12)), 12)
})

test('frameworks of two principals never share a key', (t) => {
  fc.assert(
    fc.property(token, token, token, token, (a, b, c, d) => {
      const key = (principal: string, frameworkId: string): string =>
        frameworkKey({
          principal: principal as Principal,
          frameworkId: frameworkId as FrameworkId,
        })
      t.is(key(a, b) === key(c, d), a === c && b === d)
    }),
  )
})

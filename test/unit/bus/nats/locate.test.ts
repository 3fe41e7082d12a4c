import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { isOpenLocation, locateNats } from '../../../../bus/nats/locate.ts'
import { ClusterError } from '../../../../protocol/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'bourse-locate-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** An environment whose NATS contexts are these; the first is the selected one. */
function withContexts(name: string, contexts: Readonly<Record<string, unknown>>) {
  const config = join(folder, name)
  mkdirSync(join(config, 'nats', 'context'), { recursive: true })
  const [selected = ''] = Object.keys(contexts)
  writeFileSync(join(config, 'nats', 'context.txt'), `${selected}\n`)
  for (const [context, value] of Object.entries(contexts))
    writeFileSync(join(config, 'nats', 'context', `${context}.json`), JSON.stringify(value))
  return { XDG_CONFIG_HOME: config, HOME: '/h/me' }
}

test('nothing is said anywhere: nothing is found', (t) => {
  t.is(locateNats(undefined, { HOME: folder }), undefined)
})

test('the flag wins over NATS_URL, which wins over the context', (t) => {
  const env = { ...withContexts('order', { dev: { url: 'nats://c:3' } }), NATS_URL: 'nats://b:2' }
  t.like(locateNats('nats://a:1', env), { servers: ['nats://a:1'], source: '--nats' })
  t.like(locateNats(undefined, env), { servers: ['nats://b:2'], source: 'NATS_URL' })
  const { NATS_URL: _, ...rest } = env
  t.like(locateNats(undefined, rest), { servers: ['nats://c:3'], source: 'NATS context dev' })
})

test('a URL may name several servers, leave out the scheme, and hold credentials', (t) => {
  t.deepEqual(locateNats('nats://u:p%40@a:1, b:2', {}), {
    servers: ['nats://a:1', 'nats://b:2'],
    user: 'u',
    password: 'p@',
    source: '--nats',
  })
  t.like(locateNats('tls://s3cret@a:1', {}), { servers: ['tls://a:1'], token: 's3cret' })
})

test('credentials of the environment go with a URL', (t) => {
  const env = { NATS_URL: 'a:1', NATS_USER: 'u', NATS_PASSWORD: 'p', NATS_CREDS: '~/my.creds' }
  const expected = { user: 'u', password: 'p', credsPath: '/h/me/my.creds' }
  t.like(locateNats(undefined, { ...env, HOME: '/h/me' }), expected)
})

test('a context gives all that it knows, and NATS_CONTEXT chooses another', (t) => {
  const env = withContexts('whole', {
    dev: { url: 'nats://a:1', description: '', token: '', ca: '~/ca.pem', inbox_prefix: '_I.me.' },
    live: { url: 'nats://b:2', creds: '/etc/live.creds', jetstream_domain: 7 },
  })
  t.deepEqual(locateNats(undefined, env), {
    servers: ['nats://a:1'],
    source: 'NATS context dev',
    tls: { caFile: '/h/me/ca.pem' },
    inboxPrefix: '_I.me',
  })
  t.like(locateNats(undefined, { ...env, NATS_CONTEXT: 'live' }), { credsPath: '/etc/live.creds' })
})

test('what is there but no good is refused, not passed over', (t) => {
  const env = withContexts('bad', { dev: { user: 'u' }, list: [], text: 7 })
  const code = (url: string | undefined, NATS_CONTEXT?: string): string => {
    const given = NATS_CONTEXT === undefined ? env : { ...env, NATS_CONTEXT }
    return t.throws<ClusterError>(() => locateNats(url, given), { instanceOf: ClusterError }).code
  }
  t.is(code('http://a:1'), 'bus/nats-url')
  t.is(code('nats://:1'), 'bus/nats-url')
  for (const name of ['dev', 'list', 'text', 'missing'])
    t.is(code(undefined, name), 'bus/nats-context', name)
})

test('a location without any credentials is open', (t) => {
  const location = { servers: ['nats://a:1'], source: 'test' }
  t.true(isOpenLocation(location))
  t.true(isOpenLocation({ ...location, tls: { caFile: 'ca.pem' } }))
  t.false(isOpenLocation({ ...location, user: 'u' }))
  t.false(isOpenLocation({ ...location, tls: { certFile: 'me.pem' } }))
})

test('a key is named by NATS_NKEY or a context, and a file that was asked for wins', (t) => {
  const env = { NATS_URL: 'nats://u:p@a:1', NATS_NKEY: '~/me.nk', HOME: '/h/me' }
  t.like(locateNats(undefined, env), { user: 'u', nkeyPath: '/h/me/me.nk' })
  const contexts = withContexts('keys', { mine: { url: 'nats://c:3', nkey: '~/its.nk' } })
  t.is(locateNats(undefined, contexts)?.nkeyPath, '/h/me/its.nk')
  for (const where of [env, contexts]) {
    const { servers = [], source = '' } = locateNats(undefined, where) ?? {}
    t.deepEqual(locateNats(undefined, where, { nkey: 'a.nk' }), {
      servers,
      source,
      nkeyPath: 'a.nk',
    })
    t.deepEqual(locateNats(undefined, where, { creds: 'a.creds' }), {
      servers,
      source,
      credsPath: 'a.creds',
    })
  }
})

test('who has a key is known: the server is not open', (t) => {
  t.false(isOpenLocation({ servers: ['nats://a:1'], source: 'x', nkeyPath: 'a.nk' }))
  t.true(isOpenLocation({ servers: ['nats://a:1'], source: 'x' }))
})

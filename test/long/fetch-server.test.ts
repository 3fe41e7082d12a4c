import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { canFetch } from '../../bus/nats/fetch-server.ts'
import { needs } from '../support/needs.ts'
import { asOrdinaryUser } from '../support/ordinary-user.ts'

const FINDER = fileURLToPath(new URL('../support/finds-nats-server.js', import.meta.url))

test('an ordinary user with an empty cache gets a nats-server from Debian', async (t) => {
  if (!needs(t, { name: 'a Debian with apt-get', found: canFetch() })) return
  const cache = mkdtempSync(join(tmpdir(), 'bourse-cache-'))
  t.teardown(() => rmSync(cache, { recursive: true, force: true }))
  chmodSync(cache, 0o777)
  const finder = spawn(process.execPath, [FINDER], {
    env: { PATH: '/nowhere', XDG_CACHE_HOME: cache },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...asOrdinaryUser,
  })
  let said = ''
  finder.stdout.on('data', (data: Buffer) => (said += data.toString()))
  t.deepEqual(await once(finder, 'exit'), [0, null])
  t.true(said.startsWith(`fetching nats-server into ${join(cache, 'bourse')}, once\n`))
  t.deepEqual(readdirSync(join(cache, 'bourse')), ['nats-server'])
})

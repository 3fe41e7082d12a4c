/** The demo on a machine that has no nats-server: an ordinary user fetches one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { canFetch } from '../../bus/nats/fetch-server.ts'
import { needs } from '../support/needs.ts'
import { asOrdinaryUser, mayAllRead } from '../support/ordinary-user.ts'

const DEMO = fileURLToPath(new URL('../../tools/demo/main.js', import.meta.url))

test('an ordinary user with an empty cache runs the demo, twice', async (t) => {
  if (!needs(t, { name: 'a Debian with apt-get', found: canFetch() })) return
  const found = mayAllRead(dirname(DEMO))
  if (!needs(t, { name: 'a checkout that everybody may read', found })) return
  const home = mkdtempSync(join(tmpdir(), 'bourse-home-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  chmodSync(home, 0o777)
  for (const isFirst of [true, false]) {
    const demo = spawn(process.execPath, [DEMO, '--nats-server', 'fetch'], {
      env: { PATH: process.env['PATH'], HOME: home, TMPDIR: home },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...asOrdinaryUser,
    })
    const exit = once(demo, 'exit')
    const [stdout, stderr] = await Promise.all([text(demo.stdout), text(demo.stderr)])
    t.deepEqual(await exit, [0, null], stderr)
    t.regex(stdout, /counted without the cluster: equal\nleft behind: 0$/m)
    t.is(/^fetching nats-server into .*, once$/m.test(stderr), isFirst)
    t.deepEqual(readdirSync(home), ['.cache'])
  }
})

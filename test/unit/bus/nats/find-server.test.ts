import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { findServer, serverCommand } from '../../../../bus/nats/find-server.ts'
import type { ClusterError } from '../../../../protocol/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'bourse-find-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** A folder with a program that says it is nats-server of `version`. */
function withServer(version: string): string {
  const bin = join(folder, version)
  mkdirSync(bin, { recursive: true })
  const path = join(bin, 'nats-server')
  writeFileSync(path, `#!/bin/sh\necho 'nats-server: v${version}'\n`)
  chmodSync(path, 0o755)
  return bin
}

const silent = { say: () => undefined }

test('the flag wins over NATS_SERVER, which wins over PATH', async (t) => {
  const [flag, env, path] = ['2.11.1', '2.10.2', '2.9.0'].map(withServer)
  const server = (bin = ''): string => join(bin, 'nats-server')
  const both = { PATH: path, NATS_SERVER: server(env) }
  t.is(await findServer({ ...silent, path: server(flag), env: both }), server(flag))
  t.is(await findServer({ ...silent, env: both }), server(env))
  t.is(await findServer({ ...silent, env: { PATH: path } }), server(path))
})

test('one that is asked for and is too old or not there is refused', async (t) => {
  for (const path of [join(withServer('2.8.4'), 'nats-server'), join(folder, 'none')]) {
    const error = await t.throwsAsync<ClusterError>(findServer({ ...silent, path, env: {} }))
    t.is(error.code, 'bus/no-nats-server')
    t.true(error.message.startsWith(path))
  }
})

test('a server that a shell finds is started by its name, any other by its path', async (t) => {
  const [onPath = '', other = ''] = ['2.10.4', '2.11.4'].map(withServer)
  const home = { HOME: join(folder, 'home') }
  t.is(await serverCommand({ ...home, PATH: onPath }), 'nats-server')
  const path = join(other, 'nats-server')
  t.is(await serverCommand({ ...home, PATH: onPath, NATS_SERVER: path }), path)
  t.is(await serverCommand({ ...home, PATH: other, NATS_SERVER: path }), 'nats-server')
})

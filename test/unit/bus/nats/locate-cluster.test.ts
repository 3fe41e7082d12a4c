import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  announceDev,
  claimDevFile,
  devFilePath,
  readDevFile,
  removeDevFile,
} from '../../../../bus/nats/dev-file.ts'
import { locateCluster } from '../../../../bus/nats/locate-cluster.ts'
import { stateFolder } from '../../../../bus/nats/state-folder.ts'

function environment(t: { teardown(fn: () => void): void }): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-locate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return { BOURSE_STATE_DIR: folder, HOME: folder }
}

test('a wish wins over NATS_URL, which wins over the dev that runs', (t) => {
  const env = environment(t)
  claimDevFile(devFilePath(env), 'mine')
  announceDev(devFilePath(env), 'nats://127.0.0.1:4333')
  const fromUrl = { ...env, NATS_URL: 'nats://b:2' }
  t.like(locateCluster({ nats: 'nats://a:1' }, fromUrl), {
    location: { servers: ['nats://a:1'] },
    cluster: 'bourse',
  })
  t.like(locateCluster({}, fromUrl), { location: { servers: ['nats://b:2'] }, cluster: 'bourse' })
  t.like(locateCluster({}, env), {
    location: { servers: ['nats://127.0.0.1:4333'] },
    cluster: 'mine',
  })
  t.is(locateCluster({ cluster: 'other' }, env).cluster, 'other')
})

test('files of credentials count for the dev that runs, too', (t) => {
  const env = environment(t)
  claimDevFile(devFilePath(env), 'mine')
  announceDev(devFilePath(env), 'nats://127.0.0.1:4333')
  t.like(locateCluster({ nkey: 'a.nk' }, env), { location: { nkeyPath: 'a.nk' } })
  t.like(locateCluster({ creds: 'a.creds' }, env), { location: { credsPath: 'a.creds' } })
})

test('no cluster: a sentence that says what to do', (t) => {
  t.throws(() => locateCluster({}, environment(t)), {
    code: 'bus/no-cluster',
    message: 'no cluster here: start one with `bourse dev`, or set NATS_URL',
  })
})

test('a dev that is starting cannot be used yet', (t) => {
  const env = environment(t)
  claimDevFile(devFilePath(env), 'bourse')
  t.throws(() => locateCluster({}, env), { code: 'bus/no-cluster', message: /not ready yet/ })
})

test('one dev holds the file, a second learns who does', (t) => {
  const path = devFilePath(environment(t))
  t.is(claimDevFile(path, 'bourse'), undefined)
  t.like(claimDevFile(path, 'bourse'), { pid: process.pid })
  removeDevFile(path)
  t.is(claimDevFile(path, 'bourse'), undefined)
})

const STALE = {
  'a process that is gone': { pid: 2 ** 30, started: '1', cluster: 'c', url: 'nats://x:1' },
  'a later process of the same pid': { pid: process.pid, started: '1', cluster: 'c' },
  'nobody: it is torn': 'x',
}
for (const [whose, content] of Object.entries(STALE))
  test(`the file of ${whose} counts for nothing and is replaced`, (t) => {
    const env = environment(t)
    const path = devFilePath(env)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    t.is(readDevFile(path), undefined)
    t.is(claimDevFile(path, 'bourse'), undefined)
    t.like(readDevFile(path), { pid: process.pid })
    t.deepEqual(readdirSync(stateFolder(env)), ['dev.json'])
  })

test('the state folder is where XDG says, unless it is named', (t) => {
  t.is(stateFolder({ BOURSE_STATE_DIR: '/a', XDG_STATE_HOME: '/b', HOME: '/c' }), '/a')
  t.is(stateFolder({ XDG_STATE_HOME: '/b', HOME: '/c' }), '/b/bourse')
  t.is(stateFolder({ XDG_STATE_HOME: 'b', HOME: '/c' }), '/c/.local/state/bourse')
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ownClaimer } from '../../../bus/nats/claimed-file.ts'
import { announceDev, claimDevFile, devFilePath } from '../../../bus/nats/dev-file.ts'
import { endRuns, ownerFileOf, runsFolder } from '../../../cli/dev/runs.ts'

function aFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-runs-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

test('runs on the cluster of the dev that runs here lie in its folder, others beside it', (t) => {
  const folder = aFolder(t)
  const env = { BOURSE_STATE_DIR: folder }
  const at = (url: string, cluster = 'bourse') =>
    runsFolder({ nats: { servers: [url], source: 'a test' }, cluster }, env)
  t.is(at('nats://127.0.0.1:1'), join(folder, 'runs'), 'no dev runs')
  claimDevFile(devFilePath(env), 'bourse')
  announceDev(devFilePath(env), 'nats://127.0.0.1:1')
  t.is(at('nats://127.0.0.1:1'), join(folder, 'dev', 'runs'))
  t.is(at('nats://127.0.0.1:1', 'other'), join(folder, 'runs'))
  t.is(at('nats://127.0.0.1:2'), join(folder, 'runs'))
})

test('the process that has claimed the file of a run is ended', async (t) => {
  const folder = join(aFolder(t), 'runs')
  const claimed = new URL('../../../bus/nats/claimed-file.js', import.meta.url).href
  const path = JSON.stringify(ownerFileOf(join(folder, 'a.txt')))
  const source = `import { claimFile } from ${JSON.stringify(claimed)}
    claimFile(${path})
    process.stdout.write('claimed')
    process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source])
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  endRuns(folder)
  t.deepEqual(await ended, [null, 'SIGKILL'])
})

test('only the process that has claimed the file of a run is ended, not a later one', async (t) => {
  const folder = join(aFolder(t), 'runs')
  endRuns(folder)
  mkdirSync(folder)
  const child = spawn('sleep', ['600'])
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const claim = { ...ownClaimer(), pid: child.pid }
  writeFileSync(ownerFileOf(join(folder, 'a.txt')), JSON.stringify({ ...claim, started: '1' }))
  endRuns(folder)
  t.true(child.kill(0), 'it runs on')
  child.kill('SIGTERM')
  t.deepEqual(await ended, [null, 'SIGTERM'])
})

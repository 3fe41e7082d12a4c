/** What a master keeps on its own disk, as files. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { copyFile } from '../../../../actors/master/copy-file.ts'
import { epochFile } from '../../../../actors/master/epoch-file.ts'
import type { LogBatch } from '../../../../actors/master/registry/copy.ts'
import type { ClusterError } from '../../../../protocol/errors.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import { aBatch } from '../../../support/master-builders.ts'

function aFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-master-disk-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const entry = (n: number): LogBatch => ({
  sequence: n,
  batch: aBatch(4, n, { kind: 'agent-admitted', agentId: `a${n}` as AgentId }),
})

type Save = (done: (fault?: ClusterError) => void) => void
const outcome = (save: Save): Promise<ClusterError | undefined> => new Promise((done) => save(done))

test('a copy of the registry is read as it was saved', async (t) => {
  const folder = aFolder(t)
  const copy = copyFile(folder)
  t.deepEqual(copy.read(), [])
  await outcome((done) => copy.save([entry(1), entry(2)], 'behind', done))
  await outcome((done) => copy.save([entry(3)], 'behind', done))
  t.deepEqual(copyFile(folder).read(), [entry(1), entry(2), entry(3)])
  await outcome((done) => copy.save([entry(4)], 'instead', done))
  await outcome((done) => copy.save([entry(5)], 'behind', done))
  t.deepEqual(copyFile(folder).read(), [entry(4), entry(5)])
})

test('a copy that cannot be written is as it was, and goes on when it can', async (t) => {
  const folder = join(aFolder(t), 'm1')
  const copy = copyFile(folder)
  await outcome((done) => copy.save([entry(1)], 'behind', done))
  const moved = `${folder}-moved`
  renameSync(folder, moved)
  const fault = await outcome((done) => copy.save([entry(2)], 'instead', done))
  t.like(fault, { code: 'record-log/write-failed', retry: 'later' })
  renameSync(moved, folder)
  await outcome((done) => copy.save([entry(3)], 'behind', done))
  t.deepEqual(copyFile(folder).read(), [entry(1), entry(3)])
})

test('a damaged copy is refused with what to do', async (t) => {
  const folder = aFolder(t)
  const path = join(folder, 'registry')
  const copy = copyFile(folder)
  await outcome((done) => copy.save([entry(1)], 'behind', done))
  await outcome((done) => copy.save([entry(2)], 'behind', done))
  const bytes = readFileSync(path)
  bytes.fill(0xff, 20, 24)
  writeFileSync(path, bytes)
  const error = t.throws(() => copyFile(folder), { code: 'record-log/corrupt' })
  t.regex(error?.message ?? '', /registry is damaged at byte 12: move it away to start without it/)
})

test('an epoch is found again, and one that cannot be saved is told', async (t) => {
  const folder = join(aFolder(t), 'm1')
  const epochs = epochFile(folder)
  t.is(epochs.read(), 0)
  t.is(await outcome((done) => epochs.save(7, done)), undefined)
  t.is(epochFile(folder).read(), 7)
  rmSync(folder, { recursive: true })
  t.like(await outcome((done) => epochs.save(8, done)), { code: 'master/epoch-unsaved' })
})

import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { RuntimeDirectory } from '../../../agent-runtime/containerizer/runtime-directory.ts'

function aDirectory() {
  const workDir = mkdtempSync(join(tmpdir(), 'bourse-runtime-'))
  const runtime = new RuntimeDirectory(join(workDir, 'runtime'))
  const close = () => {
    runtime.close()
    rmSync(workDir, { recursive: true })
  }
  return { runtime, [Symbol.dispose]: close }
}

test('of two that claim a container one wins', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  t.true(runtime.claim('c-1', 'so'))
  t.false(runtime.claim('c-1', 'otherwise'))
  t.deepEqual(runtime.readRecord('c-1'), { kind: 'failed', why: 'so' })
})

test('a full disk takes no claim and no end, and throws nothing', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  symlinkSync('/dev/full', join(runtime.records, 'c-1'))
  t.false(runtime.recordLost('c-1', 'its recording parent was killed'))
  rmSync(runtime.records, { recursive: true })
  t.false(runtime.claim('c-2', 'no room'))
})

test('what tasks are given is nobody else’s to read', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  t.is(statSync(runtime.path).mode & 0o777, 0o700)
  runtime.writeLaunch('c-1', 'secret\n')
  t.is(readFileSync(join(runtime.path, 'launches', 'c-1'), 'utf8'), 'secret\n')
})

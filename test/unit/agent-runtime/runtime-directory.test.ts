import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { RuntimeDirectory, usesOf } from '../../../agent-runtime/containerizer/runtime-directory.ts'
import { readStat } from '../../../agent-runtime/isolation/proc.ts'

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

test('of two agents that begin at once the one that wrote first gives way, and leaves the file', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  const owner = join(runtime.path, 'owner')
  const { ppid } = process
  writeFileSync(owner, `${ppid} ${readStat(ppid)?.startTicks} agent\n`)
  t.throws(() => runtime.checkOwner(), { code: 'containerizer/in-use', message: /pid \d+$/ })
  runtime.close()
  t.true(existsSync(owner))
})

test('while tasks of a dead agent are being ended, an agent is told to come again', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  const { ppid } = process
  const owner = join(runtime.path, 'owner')
  writeFileSync(owner, `${ppid} ${readStat(ppid)?.startTicks} ending\n`)
  t.throws(() => new RuntimeDirectory(runtime.path), { code: 'containerizer/ending' })
})

test('each use of a directory is counted, and why a container was ended stays until it is removed', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  t.is(usesOf(runtime.path), 1)
  runtime.noteEnding('c-1', 'nobody came')
  runtime.close()
  const next = new RuntimeDirectory(runtime.path)
  t.is(usesOf(runtime.path), 2)
  t.is(next.endingOf('c-1'), 'nobody came')
  t.is(next.endingOf('c-2'), undefined)
  next.remove('c-1')
  t.is(next.endingOf('c-1'), undefined)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
import { isAlive, readStat } from '../../../agent-runtime/isolator/proc.ts'

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

test('the root of a task is known, also where its agent wrote it only into the words', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  const head = { sandbox: { taskId: 't-1' }, hold: { kind: 'session' } }
  const launch = (more: object, lines: readonly string[]) =>
    [`# ${JSON.stringify({ ...head, ...more })}`, "sandbox='/s'", ...lines, ''].join('\n')
  const mount = "    mount -n --bind '/it'\\''s/roots/ab' below || exit"
  const words = ['isolate() {', '  (', mount, '  ) || return', '}']
  runtime.writeLaunch('c-1', launch({}, words))
  runtime.writeLaunch('c-2', launch({ root: '/other' }, words))
  runtime.writeLaunch('c-3', launch({}, ['isolate() {', '  mount -n --bind x y || return', '}']))
  const found = runtime.containers()
  const roots = ['c-1', 'c-2', 'c-3'].map((id) => found.get(id)?.root)
  t.deepEqual(roots, ["/it's/roots/ab", '/other', undefined])
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

test('why a container was ended stays until it is removed, or is seen to run on', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  runtime.noteEnding('c-1', 'nobody came')
  runtime.noteEnding('c-2', 'nobody came')
  runtime.close()
  const next = new RuntimeDirectory(runtime.path)
  t.is(next.endingOf('c-1'), 'nobody came')
  t.is(next.endingOf('c-3'), undefined)
  next.remove('c-1')
  next.forgetEnding('c-2')
  next.close()
  const last = new RuntimeDirectory(runtime.path)
  t.deepEqual([last.endingOf('c-1'), last.endingOf('c-2')], [undefined, undefined])
})

/** A process that sleeps in a group of its own, as who watches does. */
function aSleeper() {
  const child = spawn('sleep', ['600'], { detached: true })
  const pid = child.pid ?? 0
  return { pid, startTicks: readStat(pid)?.startTicks ?? 0, ended: once(child, 'exit') }
}

test('who watched for the last agent is ended when somebody watches for the next, not before', async (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  const first = aSleeper()
  runtime.watchedBy(first)
  t.is(usesOf(runtime.path), 1)
  runtime.close()
  new RuntimeDirectory(runtime.path, 'ending').close()
  const next = new RuntimeDirectory(runtime.path)
  t.true(isAlive(first), 'an agent that dies now is watched for')
  t.is(usesOf(runtime.path), 1)
  next.watchedBy()
  t.is(usesOf(runtime.path), 2)
  await first.ended
  t.false(isAlive(first))
})

test('after a reboot nobody is taken for who had the same pid before it', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  const stranger = aSleeper()
  t.teardown(() => process.kill(stranger.pid, 'SIGKILL'))
  runtime.watchedBy(stranger)
  writeFileSync(join(runtime.path, 'owner'), `${stranger.pid} ${stranger.startTicks} agent\n`)
  t.throws(() => new RuntimeDirectory(runtime.path), { code: 'containerizer/in-use' })
  writeFileSync(join(runtime.path, 'boot-id'), 'another\n')
  const next = new RuntimeDirectory(runtime.path)
  next.watchedBy()
  t.is(usesOf(next.path), 2)
  t.true(isAlive(stranger))
})

test('on a full disk the first watcher is refused, and another of the same agent is enough', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  const next = join(runtime.path, `watch.${process.pid}`)
  symlinkSync('/dev/full', next)
  t.throws(() => runtime.watchedBy(), { code: 'ENOSPC' })
  t.false(existsSync(next), 'nothing is left of the trial')
  runtime.watchedBy()
  symlinkSync('/dev/full', next)
  t.notThrows(() => runtime.watchedBy())
})

test('a directory that could not be opened, as the disk is full, is not held', (t) => {
  using directory = aDirectory()
  const { runtime } = directory
  runtime.close()
  symlinkSync('/dev/full', `${runtime.script}.${process.pid}`)
  t.throws(() => new RuntimeDirectory(runtime.path), { code: 'ENOSPC' })
  t.notThrows(() => new RuntimeDirectory(runtime.path))
})

test('nobody else looks into it, and all may go through the work directory to their sandboxes', (t) => {
  const workDir = join(mkdtempSync(join(tmpdir(), 'bourse-runtime-')), 'not', 'there')
  t.teardown(() => rmSync(join(workDir, '../..'), { recursive: true }))
  new RuntimeDirectory(join(workDir, 'runtime')).close()
  const OTHERS_MAY_PASS = 0o001
  t.is(statSync(join(workDir, 'runtime')).mode & OTHERS_MAY_PASS, 0)
  t.is(statSync(workDir).mode & OTHERS_MAY_PASS, OTHERS_MAY_PASS & ~process.umask())
})

/** Output that has become too long loses its begin, whoever writes meanwhile. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { goneBytesOf } from '../../../agent-runtime/sandbox/gone.ts'
import { mountsAt } from '../../../agent-runtime/sandbox/mounts.ts'
import { outputLimitsOf } from '../../../agent-runtime/sandbox/output-limits.ts'
import { OutputTrimmer } from '../../../agent-runtime/sandbox/trim.ts'
import { systemClock } from '../../../bus/clock.ts'
import { needs } from '../../support/needs.ts'

const KIB = 1024
const LIMITS = { stdoutBytesMax: 64 * KIB, stderrBytesMax: 4096 * KIB }

function aSandbox(t: { teardown: (fn: () => void) => void }) {
  const root = mkdtempSync(join(tmpdir(), 'bourse-trim-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const path = join(root, 'p', 'f', 't', 'l')
  mkdirSync(path, { recursive: true })
  const trimmer = new OutputTrimmer(systemClock, root)
  t.teardown(() => void trimmer.close())
  const trim = async () => {
    trimmer.watch(path, LIMITS)
    await trimmer.unwatch(path)
  }
  return { root, path, trim, stdout: join(path, 'stdout') }
}

/** Numbered, eight bytes each. */
const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `${String(from + i).padStart(7, '0')}\n`).join('')

/** Can holes be made here? */
function holesNeed() {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-hole-'))
  const file = join(folder, 'file')
  writeFileSync(file, Buffer.alloc(64 * KIB, 1))
  try {
    execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', '32768', file])
    return { name: 'a file system that makes holes', found: true }
  } catch {
    return { name: 'a file system that makes holes, and fallocate', found: false }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test.serial(
  'what is short stays as it is; of what is too long the newer half stays in place',
  async (t) => {
    if (!needs(t, holesNeed())) return
    const { path, trim, stdout } = aSandbox(t)
    writeFileSync(stdout, lines(8 * KIB))
    writeFileSync(join(path, 'stderr'), lines(9 * KIB))
    await trim()
    t.is(goneBytesOf(path, 'stdout'), 0, 'just as long as it may be')
    writeFileSync(stdout, lines(1, 8 * KIB), { flag: 'a' })
    await trim()
    const gone = goneBytesOf(path, 'stdout')
    t.true(gone >= 32 * KIB && gone < 36 * KIB, `${gone}`)
    const { size, blocks } = statSync(stdout)
    t.is(size, 64 * KIB + 8, 'no byte has another place')
    t.true(blocks * 512 <= 40 * KIB, `${blocks}`)
    t.is(readFileSync(stdout, 'latin1').slice(gone), lines(8 * KIB + 1).slice(gone))
    t.is(goneBytesOf(path, 'stderr'), 0)
    t.is(statSync(join(path, 'stderr')).size, 72 * KIB)
  },
)

test.serial('of what is written while it is made shorter nothing is lost', async (t) => {
  if (!needs(t, holesNeed())) return
  const { path, trim, stdout } = aSandbox(t)
  const out = openSync(stdout, 'a')
  const script = 'i=1000000; while [ $i -lt 1060000 ]; do echo $i; i=$((i+1)); done'
  const writer = spawn('sh', ['-c', script], { stdio: ['ignore', out, 'inherit'] })
  closeSync(out)
  const over = once(writer, 'exit')
  let isOver = false
  void over.then(() => (isOver = true))
  while (!isOver) {
    await trim()
    // Where nothing was too long nobody has waited: the end of the writer would not be heard.
    await new Promise<void>((resolve) => systemClock.soon(resolve))
  }
  await trim()
  const gone = goneBytesOf(path, 'stdout')
  t.true(gone > 300 * KIB)
  const kept = readFileSync(stdout, 'latin1').slice(gone)
  const all = Array.from({ length: 60_000 }, (_, i) => `${1_000_000 + i}\n`).join('')
  t.is(kept, all.slice(gone))
  t.true(statSync(stdout).blocks * 512 <= 72 * KIB)
})

test.serial('where no hole can be made the stream begins anew with its newer half', async (t) => {
  const { path, trim, stdout } = aSandbox(t)
  writeFileSync(stdout, lines(10 * KIB))
  // Of this more is kept than is copied at once.
  writeFileSync(join(path, 'stderr'), lines(700 * KIB))
  const { PATH } = process.env
  process.env['PATH'] = '/nowhere'
  try {
    await trim()
  } finally {
    process.env['PATH'] = PATH
  }
  t.is(readFileSync(stdout, 'latin1'), lines(10 * KIB).slice(-32 * KIB))
  t.true(readFileSync(join(path, 'stderr'), 'latin1') === lines(700 * KIB).slice(-2048 * KIB))
  t.is(goneBytesOf(path, 'stdout'), 0)
})

test.serial('of output that is as good as only a hole no more is kept than it holds', async (t) => {
  const { trim, stdout } = aSandbox(t)
  writeFileSync(stdout, '')
  truncateSync(stdout, 2 * KIB ** 4)
  await trim()
  t.is(statSync(stdout).size, 0)
  truncateSync(stdout, 2 * KIB ** 4)
  writeFileSync(stdout, lines(1 * KIB), { flag: 'a' })
  await trim()
  const kept = readFileSync(stdout, 'latin1')
  t.true(kept.length <= 16 * KIB, `${kept.length}`)
  t.true(kept.endsWith(lines(1 * KIB)))
})

test.serial('what a task has put in the place of its output is nobody else’s', async (t) => {
  const { root, path, trim, stdout } = aSandbox(t)
  const victim = join(root, 'victim')
  writeFileSync(victim, lines(100 * KIB))
  symlinkSync(victim, stdout)
  execFileSync('mkfifo', [join(path, 'stderr')])
  await trim()
  t.is(readFileSync(victim, 'latin1'), lines(100 * KIB))
  if (process.getuid?.() !== 0) return
  chownSync(path, 65_534, 65_534)
  rmSync(stdout)
  linkSync(victim, stdout)
  await trim()
  t.is(readFileSync(victim, 'latin1'), lines(100 * KIB), 'by another name')
})

test('a task may ask for more or less, as with Mesos’ logrotate logger', (t) => {
  const of = (value: string) => outputLimitsOf({ CONTAINER_LOGGER_MAX_STDOUT_SIZE: value }, 99_999)
  t.deepEqual(of('2MB'), { stdoutBytesMax: 2 * KIB ** 2, stderrBytesMax: 99_999 })
  t.deepEqual(outputLimitsOf({}, 99_999), { stdoutBytesMax: 99_999, stderrBytesMax: 99_999 })
  for (const bad of ['', '1', '-1MB', '1kb', '0MB', '2GB', '1.5MB', '9'.repeat(20)])
    t.is(
      of(bad),
      'environment variable CONTAINER_LOGGER_MAX_STDOUT_SIZE is no size from 8KB to 1GB',
    )
})

test.serial('what cannot be looked at is left out, and looking goes on', async (t) => {
  const { root, path } = aSandbox(t)
  writeFileSync(join(path, 'stdout'), lines(10 * KIB))
  const closed = join(root, 'p', 'f', 't', 'closed')
  symlinkSync('closed', closed)
  const due: (() => void)[] = []
  let planned = () => {}
  const after = (_: number, fn: () => void) => {
    due.push(fn)
    planned()
    return { cancel() {} }
  }
  const trimmer = new OutputTrimmer({ ...systemClock, after }, root)
  const look = () =>
    new Promise<void>((resolve) => {
      planned = resolve
      due.shift()?.()
    })
  for (const one of [closed, path]) trimmer.watch(one, LIMITS)
  await look()
  t.true(statSync(join(path, 'stdout')).blocks * 512 <= 64 * KIB)
  await trimmer.unwatch(closed)
  rmSync(root, { recursive: true })
  await look()
  t.is(due.length, 1)
  await trimmer.close()
})

test('what is mounted in a sandbox is found, the deepest first, whatever it is called', (t) => {
  const mount = (path: string) => `36 35 98:0 / ${path} rw,noatime - ext3 /dev/root rw`
  const text = ['/', '/w/s', '/w/s/a', '/w/s/a/b\\040c', '/w/s2', '/other'].map(mount).join('\n')
  t.deepEqual(mountsAt(text, '/w/s'), ['/w/s/a/b c', '/w/s/a', '/w/s'])
})

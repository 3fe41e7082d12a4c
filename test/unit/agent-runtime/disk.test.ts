/** What a sandbox takes, when it is looked at again, and who fills a disk. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  defaultDiskBytes,
  diskHold,
  diskLimitHit,
  unseenHit,
} from '../../../agent-runtime/isolator/disk.ts'
import type { DiskHold } from '../../../agent-runtime/isolator/hold.ts'
import {
  fillerHit,
  fillerOf,
  reserveOf,
} from '../../../agent-runtime/isolator/looks/disk-filler.ts'
import { nextDiskLookMs } from '../../../agent-runtime/isolator/looks/disk-pace.ts'
import {
  type DiskQuestion,
  type DiskUse,
  diskUse,
} from '../../../agent-runtime/isolator/looks/disk-use.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const NO_STOP = { pids: [], stopBytes: GIB, stopFiles: 1_000_000 }

/** A folder with no limit, removed at the end. */
function folder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'bourse-disk-'))
  return { path, [Symbol.dispose]: () => void execFileSync('rm', ['-rf', path]) }
}

function looked(question: Partial<DiskQuestion> & { readonly path: string }): DiskUse {
  const walk = diskUse({ ...NO_STOP, ...question })
  for (;;) {
    const step = walk.next()
    if (step.done) return step.value
  }
}

const du = (path: string): number =>
  Number(/^\d+/.exec(execFileSync('du', ['-s', '-k', path], { encoding: 'utf8' }))?.[0]) * KIB

test('as much is found as du(1) finds, whatever the names', (t) => {
  using box = folder()
  mkdirSync(join(box.path, 'a', 'b'), { recursive: true })
  for (const name of ['x', 'a/y', 'a/b/ü', 'a/b/\n']) {
    writeFileSync(join(box.path, name), Buffer.alloc(50 * KIB, 1))
  }
  writeFileSync(Buffer.concat([Buffer.from(`${box.path}/`), Buffer.from([0xff, 0xfe])]), 'no text')
  linkSync(join(box.path, 'x'), join(box.path, 'a', 'again'))
  symlinkSync('/usr', join(box.path, 'away'))
  t.deepEqual(looked(box), { bytes: du(box.path), files: 9, isWhole: true })
})

test('a sparse file takes what it takes, not what it says', (t) => {
  using box = folder()
  execFileSync('truncate', ['--size', '10G', join(box.path, 'sparse')])
  t.true(looked(box).bytes < MIB)
})

test('what is deeper than a path is long is found all the same', (t) => {
  using box = folder()
  const script =
    'i=0; while [ $i -lt 30 ]; do mkdir $1 && cd -P $1 || exit 1; i=$((i+1)); done; head -c 3000000 /dev/zero >deep'
  execFileSync('/bin/sh', ['-c', script, 'sh', 'd'.repeat(200)], { cwd: box.path })
  // Each folder, the file, and the sandbox.
  t.deepEqual(looked(box), { bytes: du(box.path), files: 32, isWhole: true })
  t.like(looked({ ...box, stopFiles: 20 }), { isWhole: false, files: 21 })
})

test('files without a name count also where something is deeper than a path is long', async (t) => {
  using box = folder()
  const script =
    'exec 3>gone; rm gone; head -c 3000000 /dev/zero >&3; i=0; while [ $i -lt 30 ]; do mkdir $1 && cd -P $1 || exit 1; i=$((i+1)); done; echo ready; exec sleep 600'
  const args = ['-c', script, 'sh', 'd'.repeat(200)]
  const child = spawn('/bin/sh', args, { cwd: box.path, stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    await once(child.stdout, 'data')
    t.true(looked({ ...box, pids: [child.pid ?? 0] }).bytes > 2.8 * MIB)
  } finally {
    child.kill('SIGKILL')
  }
})

test('more folders in one than are kept in mind are all found', (t) => {
  using box = folder()
  const names = Array.from({ length: 350 }, (_, i) => join(box.path, `${i % 3}`, `${i}`, 'in'))
  for (const name of names) mkdirSync(name, { recursive: true })
  t.deepEqual(looked(box), { bytes: du(box.path), files: 704, isWhole: true })
})

test('folders that would take the memory of who looks are said to be too deep', (t) => {
  using box = folder()
  const script = 'for i in $(seq 22); do mkdir -p $1 && cd -P $1 || exit 1; done'
  const path = Array.from({ length: 19 }, () => 'd'.repeat(200)).join('/')
  execFileSync('/bin/sh', ['-c', script, 'sh', path], { cwd: box.path })
  t.is(looked(box).unseen, 'too deep')
  t.regex(unseenHit({ unseen: 'too deep' }).message, /for 30 s nobody could say .*too deep/)
})

test('a folder that is closed to who looks is no folder that is empty', (t) => {
  using box = folder()
  mkdirSync(join(box.path, 'closed'))
  writeFileSync(join(box.path, 'closed', 'in'), Buffer.alloc(MIB, 1))
  chmodSync(box.path, 0o755)
  chmodSync(join(box.path, 'closed'), 0)
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    t.like(looked(box), { files: 2, unseen: 'closed' })
  } finally {
    if (isRoot) process.seteuid?.(0)
    chmodSync(join(box.path, 'closed'), 0o755)
  }
  t.is(looked(box).unseen, undefined)
})

test('nobody looks at the rest of what is too much already', (t) => {
  using box = folder()
  for (let i = 0; i < 20; i += 1) writeFileSync(join(box.path, `${i}`), Buffer.alloc(64 * KIB, 1))
  t.like(looked({ ...box, stopBytes: 200 * KIB }), { isWhole: false, files: 5 })
  t.like(looked({ ...box, stopFiles: 3 }), { isWhole: false, files: 4 })
})

test('what a process holds open without a name counts, once', async (t) => {
  using box = folder()
  const script =
    'exec 3>gone 4<gone; rm gone; head -c 3000000 /dev/zero >&3; echo ready; exec sleep 600'
  const child = spawn('/bin/sh', ['-c', script], {
    cwd: box.path,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    await once(child.stdout, 'data')
    const { bytes } = looked({ ...box, pids: [child.pid ?? 0] })
    t.true(bytes > 2.8 * MIB && bytes < 3.2 * MIB, `${bytes}`)
    t.true(looked(box).bytes < MIB)
  } finally {
    child.kill('SIGKILL')
  }
})

test('a sandbox that is not there takes nothing', (t) => {
  using box = folder()
  rmSync(box.path, { recursive: true })
  t.deepEqual(looked(box), { bytes: 0, files: 0, isWhole: true })
})

const hold = (fields: Partial<DiskHold> = {}): DiskHold => ({
  isolator: 'disk',
  path: '/box',
  bytesMax: 100 * MIB,
  askedBytes: 100 * MIB,
  ...fields,
})

test('the limit is what the task asked for; else a tenth of the disk, 10 GiB at most', (t) => {
  const defaultBytes = defaultDiskBytes(tmpdir())
  t.true(defaultBytes > 0 && defaultBytes <= 10 * GIB)
  const asked = { sandboxPath: '/box', diskBytes: MIB }
  t.deepEqual(diskHold(asked, GIB), hold({ bytesMax: MIB, askedBytes: MIB }))
  t.deepEqual(diskHold({ sandboxPath: '/box' }, GIB), hold({ bytesMax: GIB, askedBytes: 0 }))
})

test('beyond the limit it is told with limit and use, and why that is the limit', (t) => {
  const use = { bytes: 101 * MIB, files: 3, isWhole: false }
  t.is(diskLimitHit(hold(), { ...use, bytes: 100 * MIB }), undefined)
  t.deepEqual(diskLimitHit(hold(), use), {
    reason: 'CONTAINER_LIMITATION_DISK',
    message: 'too much disk: its limit is 100 MiB, it took 101 MiB',
    ends: true,
  })
  t.is(
    diskLimitHit(hold({ askedBytes: 0 }), use)?.message,
    'too much disk: its limit is 100 MiB, as it asked for no disk, it took 101 MiB',
  )
  t.is(
    diskLimitHit(hold(), { bytes: 0, files: 100_001, isWhole: false })?.message,
    'too many files: with 100 MiB of disk its limit is 100000',
  )
})

test('a calm sandbox is looked at less and less often, one that grows before it can be full', (t) => {
  const look = (grownMib: number, bytesMib = grownMib, files = 10) => ({
    bytes: bytesMib * MIB,
    files,
    grownBytes: grownMib * MIB,
    overMs: 1_000,
  })
  t.is(nextDiskLookMs(hold(), look(0), 1_000), 2_000)
  t.is(nextDiskLookMs(hold(), look(0), 10_000), 15_000)
  t.is(nextDiskLookMs(hold(), look(10, 50), 15_000), 2_500)
  t.is(nextDiskLookMs(hold(), look(90), 15_000), 250)
  t.is(nextDiskLookMs(hold(), look(-5, 50), 1_000), 2_000)
  t.is(nextDiskLookMs(hold(), look(90, 90, 100_000), 1_000), 5_000, 'to look costs something, too')
})

test('who fills a disk is who has grown most of those that take more than they asked for', (t) => {
  const grown = (name: string, askedMib: number, mib: number, byMib: number) => ({
    name,
    lostBytes: 70 * MIB,
    hold: hold({ askedBytes: askedMib * MIB }),
    bytes: mib * MIB,
    grownBytes: byMib * MIB,
  })
  const calm = grown('calm', 0, 900, 0)
  const within = grown('within', 100, 90, 80)
  const full = { freeBytes: MIB, sizeBytes: GIB }
  t.is(fillerOf([calm, within], full), undefined)
  const [filler, other] = [grown('filler', 0, 300, 60), grown('other', 10, 20, 5)]
  t.is(fillerOf([calm, within, other, filler], full)?.name, 'filler')
  t.is(fillerOf([filler], { ...full, freeBytes: 100 * MIB }), undefined)
  t.is(
    fillerHit(filler, full).message,
    "the agent's disk was almost full, with 1 MiB free: the task asked for no disk, took 300 MiB and had just grown by 60 MiB",
  )
  t.deepEqual(
    [GIB, 1000 * GIB].map((sizeBytes) => reserveOf({ freeBytes: 0, sizeBytes }) / MIB),
    [20.48, 1024],
  )
})

test('who has grown a little is not who fills a disk that something else fills', (t) => {
  const full = { freeBytes: MIB, sizeBytes: GIB }
  const grown = (byMib: number) => ({
    hold: hold({ askedBytes: 0 }),
    bytes: 500 * MIB,
    grownBytes: byMib * MIB,
    lostBytes: 100 * MIB,
  })
  t.is(fillerOf([grown(2)], full), undefined)
  t.is(fillerOf([grown(20), grown(20)], full), undefined)
  t.is(fillerOf([grown(20), grown(21), grown(20)], full)?.grownBytes, 21 * MIB, 'all together')
})

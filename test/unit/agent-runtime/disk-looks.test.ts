/** When a disk that fills is judged, by what, and who is ended for it. */
import test from 'ava'
import type { DiskSpace } from '../../../agent-runtime/isolator/looks/disk-filler.ts'
import { DiskLooks } from '../../../agent-runtime/isolator/looks/disk-looks.ts'
import { nextMarks, SpaceHistory } from '../../../agent-runtime/isolator/looks/disk-space.ts'
import type { DiskUse } from '../../../agent-runtime/isolator/looks/disk-use.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'

const MIB = 1024 ** 2
const GIB = 1024 * MIB

/** A disk of 100 GiB, and what sandboxes on it take, as the test says. */
class Disk {
  readonly clock = new SimulatedClock()
  space: DiskSpace = { freeBytes: 50 * GIB, sizeBytes: 100 * GIB }
  /** Undefined: the look goes on for ever. */
  readonly uses = new Map<string, DiskUse | undefined>()
  readonly told: string[] = []
  walks = 0
  readonly looks = new DiskLooks({
    clock: this.clock,
    looker: {
      disk: ({ path }) => {
        this.walks += 1
        const use = this.uses.get(path)
        return use === undefined ? new Promise(() => {}) : Promise.resolve(use)
      },
    },
    readSpace: () => Promise.resolve(this.space),
  })

  add(id: string, { isNew, bytes }: { isNew: boolean; bytes: number }): void {
    this.takes(id, bytes)
    const hold = { isolator: 'disk', path: id, bytesMax: 100 * GIB, askedBytes: 0 } as const
    const container = {
      id,
      holds: [hold],
      needsLook: false,
      place: 'elsewhere' as const,
      lookAtLimits: () => {},
      limited: ({ message }: { message: string }) => void this.told.push(`${id}: ${message}`),
    }
    this.looks.add(container, isNew)
  }

  takes(id: string, bytes: number, more: Partial<DiskUse> = {}): void {
    this.uses.set(id, { bytes, files: 10, isWhole: true, ...more })
  }

  /** One second of who looks. */
  async second(freeBytes = this.space.freeBytes): Promise<void> {
    this.space = { ...this.space, freeBytes }
    let isOver = false
    this.clock.after(1_000, () => {
      isOver = true
    })
    while (!isOver) {
      this.clock.step()
      await settled()
    }
    this.looks.tick()
    const looked = this.looks.lookAtSpace().then(() => true)
    await settled()
    while (!(await Promise.race([looked, settled()]))) this.clock.step()
  }
}

const settled = (): Promise<false> => new Promise((resolve) => setImmediate(() => resolve(false)))

test('after a restart on a full disk nobody is ended for what was there before', async (t) => {
  const disk = new Disk()
  disk.space = { freeBytes: 100 * MIB, sizeBytes: 100 * GIB }
  disk.add('idle', { isNew: false, bytes: 5 * GIB })
  for (let i = 0; i < 5; i += 1) await disk.second(100 * MIB - i * 4 * MIB)
  t.deepEqual(disk.told, [])
})

test('a new task that fills the disk before it was ever looked at is ended', async (t) => {
  const disk = new Disk()
  disk.space = { freeBytes: 2 * GIB, sizeBytes: 100 * GIB }
  disk.add('idle', { isNew: false, bytes: 5 * GIB })
  disk.add('filler', { isNew: true, bytes: 2 * GIB })
  await disk.second(0)
  t.deepEqual(disk.told, [
    "filler: the agent's disk was almost full, with 0 MiB free: the task asked for no disk, took 2048 MiB and had just grown by 2048 MiB",
  ])
})

test('a new task that fills the disk before the disk itself was first looked at is ended', async (t) => {
  const disk = new Disk()
  disk.space = { freeBytes: 0, sizeBytes: 100 * GIB }
  disk.add('idle', { isNew: true, bytes: 0 })
  disk.add('filler', { isNew: true, bytes: 2 * GIB })
  await disk.second(0)
  t.regex(disk.told.join(), /^filler: [^:]+: the task asked for no disk, took 2048 MiB/)
})

test('a new task that writes a little while a full disk becomes emptier is not ended', async (t) => {
  const disk = new Disk()
  disk.space = { freeBytes: 300 * MIB, sizeBytes: 100 * GIB }
  disk.add('idle', { isNew: false, bytes: 5 * GIB })
  await disk.second()
  disk.add('new', { isNew: true, bytes: 2 * MIB })
  await disk.second(700 * MIB)
  t.deepEqual(disk.told, [])
})

test('a disk that was judged before it was quite full is judged again', async (t) => {
  const disk = new Disk()
  disk.space = { freeBytes: 2 * GIB, sizeBytes: 100 * GIB }
  disk.add('filler', { isNew: true, bytes: 0 })
  await disk.second()
  disk.takes('filler', GIB - MIB)
  await disk.second(GIB + MIB)
  t.deepEqual(disk.told, [])
  disk.takes('filler', GIB)
  await disk.second(GIB - 1)
  t.regex(disk.told.join(), /^filler: [^:]+: the task asked for no disk, took 1024 MiB/)
})

test('a disk that is always full is not walked for it again and again', async (t) => {
  const disk = new Disk()
  disk.space = { freeBytes: 100 * MIB, sizeBytes: 100 * GIB }
  for (const id of ['a', 'b', 'c']) disk.add(id, { isNew: false, bytes: GIB })
  for (let i = 0; i < 60; i += 1) await disk.second()
  t.true(disk.walks <= 3 * 8, `${disk.walks} looks, and 8 of each are those of every sandbox`)
})

test('who fills the disk is ended while another sandbox is still being looked at', async (t) => {
  const disk = new Disk()
  disk.add('huge', { isNew: false, bytes: GIB })
  disk.uses.set('huge', undefined)
  disk.add('filler', { isNew: true, bytes: GIB })
  await disk.second(49 * GIB)
  disk.takes('filler', 50 * GIB)
  await disk.second(0)
  t.regex(disk.told.join(), /^filler: [^:]+: the task asked for no disk, took 51200 MiB/)
})

test('who asks for its use is given the last figure, if a look takes long', async (t) => {
  const disk = new Disk()
  disk.add('huge', { isNew: false, bytes: GIB })
  await disk.second()
  disk.uses.set('huge', undefined)
  const measured = disk.looks.measure('huge')
  await disk.second()
  await disk.second()
  await disk.second()
  t.is(await Promise.race([measured, settled()]), GIB)
})

test('what is closed to who looks for 30 s ends, and is never counted as nothing', async (t) => {
  const disk = new Disk()
  disk.add('closed', { isNew: true, bytes: GIB })
  await disk.second()
  disk.takes('closed', 0, { unseen: 'closed' })
  for (let i = 0; i < 20; i += 1) await disk.second()
  t.deepEqual(disk.told, [])
  t.is(await disk.looks.measure('closed'), GIB)
  for (let i = 0; i < 40; i += 1) await disk.second()
  t.regex(disk.told[0] ?? '', /^closed: too much disk, perhaps: for 30 s nobody could say/)
})

test('what is closed for a moment, or is the fault of who looks, ends nobody', async (t) => {
  const disk = new Disk()
  disk.add('moment', { isNew: true, bytes: MIB })
  disk.add('failed', { isNew: true, bytes: MIB })
  for (let i = 0; i < 90; i += 1) {
    disk.takes('moment', MIB, i % 30 < 16 ? { unseen: 'closed' } : {})
    disk.takes('failed', MIB, { unseen: 'failed' })
    await disk.second()
  }
  t.deepEqual(disk.told, [])
})

test('a disk is judged when it fills, and again only when less is free', (t) => {
  const space = new SpaceHistory()
  let atMs = 0
  const isToJudge = (freeMib: number): boolean => {
    atMs += 1_000
    space.note({ freeBytes: freeMib * MIB, sizeBytes: 10 * GIB, atMs })
    return space.isToJudge
  }
  t.deepEqual([100, 100, 99].map(isToJudge), [false, false, true])
  space.settle()
  t.deepEqual([99, 120, 119].map(isToJudge), [false, false, true])
  space.reopen()
  t.true(isToJudge(119), 'somebody came whom no reading has seen')
  t.is(space.lostSince(1_000), -19 * MIB)
  t.is(space.lostSince(5_500), MIB)
  t.is(space.lostSince(0), -19 * MIB, 'the first that is known')
})

test('growth is counted over 15 to 30 s', (t) => {
  let marks = {}
  const since: (number | undefined)[] = []
  for (let atMs = 0; atMs <= 45_000; atMs += 5_000) {
    marks = nextMarks(marks, { bytes: 0, atMs })
    since.push((marks as { since?: { atMs: number } }).since?.atMs)
  }
  t.deepEqual(since, [0, 0, 0, 0, 0, 0, 15_000, 15_000, 15_000, 30_000])
})

/** What every record log must do, by both of them, and what only a file can suffer. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { openFileLog } from '../../../../actors/kit/record-log/file.ts'
import { HEADER_BYTES } from '../../../../actors/kit/record-log/format.ts'
import { MemoryDisk } from '../../../../actors/kit/record-log/memory.ts'
import type { OpenedRecordLog } from '../../../../actors/kit/record-log/record-log.ts'
import { openSyncedFileLog } from '../../../../actors/kit/record-log/synced-file.ts'
import { ClusterError } from '../../../../protocol/errors.ts'

function aPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-checkpoint-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'state', 'checkpoint')
}

const WHAT_TO_DO = 'move it away'
const openLog = (path: string): OpenedRecordLog => openFileLog(path, WHAT_TO_DO)

const bytes = (text: string) => new TextEncoder().encode(text)
const texts = ({ records }: OpenedRecordLog) =>
  records.map((record) => new TextDecoder().decode(record))

const KINDS: Record<string, (t: ExecutionContext) => () => OpenedRecordLog> = {
  file(t) {
    const path = aPath(t)
    return () => openLog(path)
  },
  memory() {
    const disk = new MemoryDisk()
    return () => disk.open()
  },
}

for (const [name, opener] of Object.entries(KINDS)) {
  test(`${name}: what was appended is found again, in order, and the log goes on`, (t) => {
    const open = opener(t)
    const first = open()
    t.deepEqual(texts(first), [])
    first.log.append([bytes('a'), bytes('bb')], 'kernel')
    first.log.append([bytes('c')], 'disk')
    first.log.append([], 'kernel')
    const second = open()
    second.log.append([bytes('d')], 'kernel')
    const third = open()
    t.deepEqual([texts(second), second.tornBytes], [['a', 'bb', 'c'], 0])
    t.deepEqual([texts(third), third.tornBytes], [['a', 'bb', 'c', 'd'], 0])
  })

  test(`${name}: a rewrite replaces all records, shortens the log, and the log goes on`, (t) => {
    const open = opener(t)
    const { log } = open()
    log.append(
      Array.from({ length: 100 }, () => bytes('old')),
      'kernel',
    )
    const before = log.sizeBytes
    log.rewrite([bytes('new')])
    t.true(log.sizeBytes < before)
    log.append([bytes('next')], 'kernel')
    t.deepEqual(texts(open()), ['new', 'next'])
    t.is(open().log.sizeBytes, log.sizeBytes)
  })

  test(`${name}: a record without bytes is a bug of the caller`, (t) => {
    const { log } = opener(t)()
    t.throws(() => log.append([new Uint8Array()], 'kernel'), { code: 'ERR_ASSERTION' })
  })
}

test('memory: a loss of power takes what was not safe, up to what it keeps', (t) => {
  const disk = new MemoryDisk()
  disk.open().log.append([bytes('a')], 'disk')
  disk.open().log.append([bytes('b'), bytes('c')], 'kernel')
  disk.losePower(1)
  t.deepEqual(texts(disk.open()), ['a', 'b'])
})

test('file: any records come back as they were', (t) => {
  const batches = fc.array(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })))
  fc.assert(
    fc.property(batches, (written) => {
      const path = aPath(t)
      const { log } = openLog(path)
      for (const batch of written) log.append(batch, 'kernel')
      log.close()
      const { records } = openLog(path)
      t.deepEqual(
        records.map((one) => [...one]),
        written.flat().map((one) => [...one]),
      )
    }),
    { numRuns: 30 },
  )
})

test('file: cut at any byte, all whole records are left, and it says how much was torn', (t) => {
  const path = aPath(t)
  const { log } = openLog(path)
  log.append([bytes('first'), bytes('second')], 'disk')
  const whole = readFileSync(path)
  const second = log.sizeBytes
  for (let size = HEADER_BYTES; size < second; size++) {
    writeFileSync(path, whole)
    truncateSync(path, size)
    const opened = openLog(path)
    opened.log.append([bytes('more')], 'kernel')
    t.is(texts(opened).length, size < HEADER_BYTES + (second - HEADER_BYTES - 1) / 2 ? 0 : 1)
    t.deepEqual(texts(openLog(path)), [...texts(opened), 'more'])
    t.is(openLog(path).tornBytes, 0)
  }
})

test('file: a rewrite that fails leaves nothing on the disk', (t) => {
  const path = aPath(t)
  const { log } = openLog(path)
  rmSync(path)
  mkdirSync(path)
  t.throws(() => log.rewrite([bytes('a')]), { code: 'record-log/write-failed' })
  t.false(existsSync(`${path}.next`))
})

test('file: zeros and rubbish at the end are torn', (t) => {
  for (const rubbish of [Buffer.alloc(5000), Buffer.from('\x01\0\0\0rubbish rubbish rubbish')]) {
    const path = aPath(t)
    openLog(path).log.append([bytes('a')], 'kernel')
    appendFileSync(path, rubbish)
    const opened = openLog(path)
    t.deepEqual([texts(opened), opened.tornBytes], [['a'], rubbish.length])
  }
})

test('file: a hole in what was never safe on disk is torn, with all that follows', (t) => {
  const path = aPath(t)
  const { log } = openLog(path)
  log.append([bytes('safe')], 'disk')
  const hole = log.sizeBytes
  log.append([bytes('lost')], 'kernel')
  log.append([bytes('left')], 'kernel')
  damage(path, hole)
  t.deepEqual(texts(openLog(path)), ['safe'])
})

test('file: damage in what was safe on disk is named, and nothing is guessed', (t) => {
  const path = aPath(t)
  const { log } = openLog(path)
  log.append([bytes('a')], 'kernel')
  log.append([bytes('b')], 'disk')
  log.append([bytes('c')], 'kernel')
  damage(path, HEADER_BYTES)
  const error = t.throws(() => openLog(path), { instanceOf: ClusterError })
  t.is(error?.code, 'record-log/corrupt')
  t.is(error?.message, `${path} is damaged at byte 12: ${WHAT_TO_DO}`)
})

test('synced file: what it found is only safe after its own first write', async (t) => {
  const path = aPath(t)
  openLog(path).log.append([bytes('found')], 'kernel')
  const { log } = openSyncedFileLog(path, WHAT_TO_DO)
  await log.append([bytes('first')])
  const whole = readFileSync(path)
  damage(path, HEADER_BYTES)
  t.deepEqual(texts(openLog(path)), [])
  writeFileSync(path, whole)
  await log.append([bytes('second')])
  damage(path, HEADER_BYTES)
  t.throws(() => openLog(path), { code: 'record-log/corrupt' })
})

test('synced file: a rewrite is safe', async (t) => {
  const path = aPath(t)
  const { log } = openSyncedFileLog(path, WHAT_TO_DO)
  await log.rewrite([bytes('a')])
  await log.append([bytes('b')])
  damage(path, HEADER_BYTES)
  t.throws(() => openLog(path), { code: 'record-log/corrupt' })
})

test('file: what is no record log, or of another format, is left alone', (t) => {
  const path = aPath(t)
  openLog(path)
  const other = readFileSync(path)
  other.writeUInt32LE(2, 8)
  for (const content of ['', 'something else', other]) {
    writeFileSync(path, content)
    t.throws(() => openLog(path), { code: 'record-log/corrupt' })
    t.deepEqual(readFileSync(path), Buffer.from(content))
  }
})

function damage(path: string, at: number): void {
  const log = readFileSync(path)
  log.fill(0, at, at + 4)
  writeFileSync(path, log)
}

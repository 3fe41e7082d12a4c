/** What every checkpoint must do, by both of them, and what only a file can suffer. */
import {
  appendFileSync,
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
import type { OpenedCheckpoint } from '../../../agent-runtime/checkpoint/checkpoint.ts'
import { openFileCheckpoint } from '../../../agent-runtime/checkpoint/file.ts'
import { HEADER_BYTES } from '../../../agent-runtime/checkpoint/format.ts'
import { MemoryDisk } from '../../../agent-runtime/checkpoint/memory.ts'
import { ClusterError } from '../../../protocol/errors.ts'

function aPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-checkpoint-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'state', 'checkpoint')
}

const bytes = (text: string) => new TextEncoder().encode(text)
const texts = ({ records }: OpenedCheckpoint) =>
  records.map((record) => new TextDecoder().decode(record))

const KINDS: Record<string, (t: ExecutionContext) => () => OpenedCheckpoint> = {
  file(t) {
    const path = aPath(t)
    return () => openFileCheckpoint(path)
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
    first.checkpoint.append([bytes('a'), bytes('bb')], 'kernel')
    first.checkpoint.append([bytes('c')], 'disk')
    first.checkpoint.append([], 'kernel')
    const second = open()
    second.checkpoint.append([bytes('d')], 'kernel')
    const third = open()
    t.deepEqual([texts(second), second.tornBytes], [['a', 'bb', 'c'], 0])
    t.deepEqual([texts(third), third.tornBytes], [['a', 'bb', 'c', 'd'], 0])
  })

  test(`${name}: a rewrite replaces all records, shortens the log, and the log goes on`, (t) => {
    const open = opener(t)
    const { checkpoint } = open()
    checkpoint.append(
      Array.from({ length: 100 }, () => bytes('old')),
      'kernel',
    )
    const before = checkpoint.sizeBytes
    checkpoint.rewrite([bytes('new')])
    t.true(checkpoint.sizeBytes < before)
    checkpoint.append([bytes('next')], 'kernel')
    t.deepEqual(texts(open()), ['new', 'next'])
    t.is(open().checkpoint.sizeBytes, checkpoint.sizeBytes)
  })

  test(`${name}: a record without bytes is a bug of the caller`, (t) => {
    const { checkpoint } = opener(t)()
    t.throws(() => checkpoint.append([new Uint8Array()], 'kernel'), { code: 'ERR_ASSERTION' })
  })
}

test('memory: a loss of power takes what was not safe, up to what it keeps', (t) => {
  const disk = new MemoryDisk()
  disk.open().checkpoint.append([bytes('a')], 'disk')
  disk.open().checkpoint.append([bytes('b'), bytes('c')], 'kernel')
  disk.losePower(1)
  t.deepEqual(texts(disk.open()), ['a', 'b'])
})

test('file: any records come back as they were', (t) => {
  const batches = fc.array(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })))
  fc.assert(
    fc.property(batches, (written) => {
      const path = aPath(t)
      const { checkpoint } = openFileCheckpoint(path)
      for (const batch of written) checkpoint.append(batch, 'kernel')
      checkpoint.close()
      const { records } = openFileCheckpoint(path)
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
  const { checkpoint } = openFileCheckpoint(path)
  checkpoint.append([bytes('first'), bytes('second')], 'disk')
  const whole = readFileSync(path)
  const second = checkpoint.sizeBytes
  for (let size = HEADER_BYTES; size < second; size++) {
    writeFileSync(path, whole)
    truncateSync(path, size)
    const opened = openFileCheckpoint(path)
    opened.checkpoint.append([bytes('more')], 'kernel')
    t.is(texts(opened).length, size < HEADER_BYTES + (second - HEADER_BYTES - 1) / 2 ? 0 : 1)
    t.deepEqual(texts(openFileCheckpoint(path)), [...texts(opened), 'more'])
    t.is(openFileCheckpoint(path).tornBytes, 0)
  }
})

test('file: zeros and rubbish at the end are torn', (t) => {
  for (const rubbish of [Buffer.alloc(5000), Buffer.from('\x01\0\0\0rubbish rubbish rubbish')]) {
    const path = aPath(t)
    openFileCheckpoint(path).checkpoint.append([bytes('a')], 'kernel')
    appendFileSync(path, rubbish)
    const opened = openFileCheckpoint(path)
    t.deepEqual([texts(opened), opened.tornBytes], [['a'], rubbish.length])
  }
})

test('file: a hole in what was never safe on disk is torn, with all that follows', (t) => {
  const path = aPath(t)
  const { checkpoint } = openFileCheckpoint(path)
  checkpoint.append([bytes('safe')], 'disk')
  const hole = checkpoint.sizeBytes
  checkpoint.append([bytes('lost')], 'kernel')
  checkpoint.append([bytes('left')], 'kernel')
  damage(path, hole)
  t.deepEqual(texts(openFileCheckpoint(path)), ['safe'])
})

test('file: damage in what was safe on disk is named, and nothing is guessed', (t) => {
  const path = aPath(t)
  const { checkpoint } = openFileCheckpoint(path)
  checkpoint.append([bytes('a')], 'kernel')
  checkpoint.append([bytes('b')], 'disk')
  checkpoint.append([bytes('c')], 'kernel')
  damage(path, HEADER_BYTES)
  const error = t.throws(() => openFileCheckpoint(path), { instanceOf: ClusterError })
  t.is(error?.code, 'checkpoint/corrupt')
  const whatToDo = 'restore it from a copy, or move it away to start as a new agent'
  t.is(error?.message, `${path} is damaged at byte 12: ${whatToDo}, which ends its tasks`)
})

test('file: what is no checkpoint, or of another format, is left alone', (t) => {
  const path = aPath(t)
  openFileCheckpoint(path)
  const other = readFileSync(path)
  other.writeUInt32LE(2, 8)
  for (const content of ['', 'something else', other]) {
    writeFileSync(path, content)
    t.throws(() => openFileCheckpoint(path), { code: 'checkpoint/corrupt' })
    t.deepEqual(readFileSync(path), Buffer.from(content))
  }
})

function damage(path: string, at: number): void {
  const log = readFileSync(path)
  log.fill(0, at, at + 4)
  writeFileSync(path, log)
}

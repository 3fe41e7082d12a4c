import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Look, lookInto, type Seen } from '../../../agent-runtime/sandbox/look.ts'

/** A sandbox with files, and a folder beside it that is nobody's to see. */
function aSandbox(t: { teardown: (fn: () => void) => void }, below = tmpdir()) {
  const root = mkdtempSync(join(below, 'bourse-look-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const path = join(root, 'p', 'f', 't', 'l')
  mkdirSync(path, { recursive: true })
  mkdirSync(join(root, 'secret'))
  writeFileSync(join(root, 'secret', 'key'), 'SECRET')
  const look = async (given: Partial<Omit<Look, 'path'>> & { path?: string | Uint8Array } = {}) => {
    const seen: Seen[] = []
    const whole = { want: 'list', offset: 0, bytesMax: 2 ** 21, ...given } as const
    const looked = { ...whole, path: Buffer.from(given.path ?? '') }
    const goneBytesOf = () => 0
    const sandbox = ['p', 'f', 't', 'l']
    for await (const one of lookInto({ root, sandbox, look: looked, goneBytesOf })) seen.push(one)
    return seen
  }
  return { root, path, look }
}

const namesOf = (seen: readonly Seen[]) =>
  seen.flatMap((one) => (one.kind === 'folder' ? one.entries : [])).map(({ name }) => name)
const textOf = (seen: readonly Seen[]) =>
  Buffer.concat(seen.map((one) => (one.kind === 'file' ? one.data : new Uint8Array()))).toString()
const whyOf = (seen: readonly Seen[]) =>
  seen.map((one) => (one.kind === 'refused' ? one.why : one.kind)).join(' ')

test('names are bytes: line ends, escapes and what is no text come as they are', async (t) => {
  const { path, look } = aSandbox(t)
  const names = ['a\nb', '\x1b[31mred', ' ', '-rf', '"$(id)"', 'ä'].map((name) => Buffer.from(name))
  names.push(Buffer.from([0xff, 0xfe, 0x01]))
  for (const name of names) {
    const file = Buffer.concat([Buffer.from(`${path}/`), name])
    writeFileSync(file, name)
  }
  const found = namesOf(await look())
  t.deepEqual(
    found,
    names.toSorted((a, b) => a.compare(b)),
  )
  for (const name of names) {
    const seen = await look({ path: name, want: 'read' })
    t.deepEqual(seen[0]?.kind === 'file' && Buffer.from(seen[0].data), name)
  }
})

test('no path leads out of the sandbox', async (t) => {
  const { root, path, look } = aSandbox(t)
  symlinkSync('../../../../secret', join(path, 'folder'))
  symlinkSync(join(root, 'secret', 'key'), join(path, 'file'))
  symlinkSync('.', join(path, 'self'))
  for (const bad of ['..', 'a/../..', '/etc/passwd', 'a//b', './a', 'a\0b', 'x'.repeat(5_000)])
    t.is(whyOf(await look({ path: bad, want: 'read' })), 'bad-path', bad.slice(0, 20))
  for (const linked of ['folder/key', 'file', 'self/file', 'folder'])
    t.is(whyOf(await look({ path: linked, want: 'read' })), 'not-a-file', linked)
  t.is(whyOf(await look({ path: 'self/nothing' })), 'not-a-file')
  const [seen] = await look({ path: 'folder' })
  t.is(
    seen?.kind === 'entry' && Buffer.from(seen.entry.target ?? []).toString(),
    '../../../../secret',
    'a link is shown, with where it leads to',
  )
})

test('a folder that is swapped for a link while it is read gives nothing away', async (t) => {
  const { path, look } = aSandbox(t)
  const [folder, aside, link] = ['d', 'aside', 'link'].map((name) => join(path, name))
  mkdirSync(folder as string)
  writeFileSync(join(folder as string, 'key'), 'own')
  symlinkSync('../../../../secret', link as string)
  let isOver = false
  const swapping = (async () => {
    while (!isOver) {
      renameSync(folder as string, aside as string)
      renameSync(link as string, folder as string)
      await new Promise((resolve) => setImmediate(resolve))
      renameSync(folder as string, link as string)
      renameSync(aside as string, folder as string)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const seen = new Set<string>()
  for (let i = 0; i < 200; i += 1) {
    const found = await look({ path: 'd/key', want: 'read' })
    seen.add(found[0]?.kind === 'file' ? textOf(found) : whyOf(found))
  }
  isOver = true
  await swapping
  t.true(seen.has('own'))
  t.false(seen.has('SECRET'), [...seen].join())
})

test('of a file that is longer than can be counted, as much is told as can', async (t) => {
  // The disk below may have no file of such a length; memory has.
  const { path, look } = aSandbox(t, '/dev/shm')
  execFileSync('truncate', ['-s', '8191P', join(path, 'huge')])
  const sizeBytes = Number.MAX_SAFE_INTEGER
  t.like((await look({ path: 'huge' }))[0], { entry: { sizeBytes } })
  t.like((await look())[0], { entries: [{ sizeBytes }] })
  const [zeros] = await look({ path: 'huge', want: 'read', offset: 5 })
  t.like(zeros, { offset: 5, sizeBytes, zeroBytes: sizeBytes - 5 })
  const [end] = await look({ path: 'huge', want: 'read', offset: sizeBytes })
  t.like(end, { offset: sizeBytes, sizeBytes, data: new Uint8Array() })
})

test('pipes, sockets and devices are named and never opened', async (t) => {
  const { path, look } = aSandbox(t)
  execFileSync('mkfifo', [join(path, 'pipe')])
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(path, 'socket'), resolve))
  t.teardown(() => server.close())
  for (const name of ['pipe', 'socket']) {
    const [seen] = await look({ path: name })
    t.is(seen?.kind === 'entry' && seen.entry.type, name as 'pipe')
    t.is(whyOf(await look({ path: name, want: 'read' })), 'not-a-file')
  }
  t.is(whyOf(await look({ want: 'read' })), 'not-a-file', 'nor is a folder')
  t.is(whyOf(await look({ path: 'nothing' })), 'not-found')
  t.is(whyOf(await look({ path: 'pipe/below' })), 'not-found')
})

test('a huge folder comes in pages, in order, and goes on behind a name', async (t) => {
  const { path, look } = aSandbox(t)
  const all = Array.from({ length: 9_000 }, (_, i) => `file-${String(i).padStart(5, '0')}`)
  for (const name of all) writeFileSync(join(path, name), '')
  const found: string[] = []
  for (let isMore = true; isMore; ) {
    const last = found.at(-1)
    const seen = await look(last === undefined ? {} : { after: Buffer.from(last) })
    t.true(seen.length > 1, 'no message is too long')
    found.push(...namesOf(seen).map(String))
    const end = seen.at(-1)
    isMore = end?.kind === 'folder' && end.more
  }
  t.deepEqual(found, all)
})

test('any bytes come as they are, from any offset on', async (t) => {
  const { path, look } = aSandbox(t)
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + 1) % 256))
  writeFileSync(join(path, 'a'), bytes)
  const seen = await look({ path: 'a', want: 'read', offset: 1_000 })
  t.true(seen.length > 1)
  const all = Buffer.concat(seen.map((one) => (one.kind === 'file' ? one.data : Buffer.alloc(0))))
  t.true(all.equals(bytes.subarray(1_000)))
  const beyond = await look({ path: 'a', want: 'read', offset: 400_000 })
  t.like(beyond, [{ kind: 'file', offset: 400_000, sizeBytes: 300_000, data: new Uint8Array() }])
  writeFileSync(join(path, 'empty'), '')
  t.like(await look({ path: 'empty', want: 'read' }), [{ kind: 'file', offset: 0, sizeBytes: 0 }])
})

test('zeros are counted, not sent', async (t) => {
  const { path, look } = aSandbox(t)
  writeFileSync(join(path, 'holes'), 'begin')
  truncateSync(join(path, 'holes'), 1_000_000)
  writeFileSync(join(path, 'holes'), 'end', { flag: 'a' })
  const seen = await look({ path: 'holes', want: 'read' })
  let at = 0
  for (const one of seen) {
    if (one.kind !== 'file') return t.fail(one.kind)
    t.is(one.offset, at)
    at += one.zeroBytes ?? one.data.length
  }
  t.is(at, 1_000_003)
  t.true(seen.some((one) => one.kind === 'file' && (one.zeroBytes ?? 0) > 500_000))
  truncateSync(join(path, 'holes'), 0)
  truncateSync(join(path, 'holes'), 2 ** 40)
  t.like(await look({ path: 'holes', want: 'read' }), [{ offset: 0, zeroBytes: 2 ** 40 }])
})

const isRoot = process.getuid?.() === 0

test('a hard link to a file of another user is no file of the sandbox', async (t) => {
  if (!isRoot) return t.pass('only root can make one')
  const { root, path, look } = aSandbox(t)
  execFileSync('chown', ['65534', path])
  linkSync(join(root, 'secret', 'key'), join(path, 'key'))
  t.is(whyOf(await look({ path: 'key', want: 'read' })), 'not-a-file')
})

/** A container service that says what no real one says when it is asked to. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { DockerApi, messageOf } from '../../../agent-runtime/containerizer/docker/api.ts'
import { foundOf } from '../../../agent-runtime/containerizer/docker/found.ts'
import { killedForMemory } from '../../../agent-runtime/containerizer/docker/kernel-log.ts'
import { Notes } from '../../../agent-runtime/containerizer/docker/notes.ts'
import { OutputCopy } from '../../../agent-runtime/containerizer/docker/output.ts'
import { loggingOf } from '../../../agent-runtime/containerizer/docker/request.ts'
import { aSandbox } from '../../support/containers.ts'
import { needs } from '../../support/needs.ts'

function aFolder() {
  const path = mkdtempSync(join(tmpdir(), 'bourse-docker-parts-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** Answers each call in the same way. */
async function aService(folder: string, answer: (response: ServerResponse, path: string) => void) {
  const server = createServer(({ url = '' }, response) => answer(response, url))
  const socketPath = join(folder, 'socket')
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return { api: new DockerApi(socketPath), [Symbol.dispose]: () => void server.close() }
}

function frame(stream: number, text: string): Buffer {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}

test('a piece that was left out while the log was followed is there at the end', async (t) => {
  using folder = aFolder()
  const lines = Array.from({ length: 9 }, (_, i) => `line ${i}\n`)
  using service = await aService(folder.path, (response, path) => {
    for (const [i, line] of lines.entries())
      if (!path.includes('follow') || i < 3 || i > 5) response.write(frame(1, line))
    response.end()
  })
  const output = await OutputCopy.open(service.api, 'a', folder.path)
  await new Promise<void>((resolve) => output.follow(resolve))
  await output.finish()
  t.is(readFileSync(join(folder.path, 'stdout'), 'utf8'), lines.join(''))
})

test('what was trimmed, or changed by its task, is not put back', async (t) => {
  using folder = aFolder()
  using service = await aService(folder.path, (response) => {
    response.end(Buffer.concat([frame(1, 'trimmed and kept'), frame(2, 'as it was')]))
  })
  writeFileSync(join(folder.path, 'stdout'), '\0\0\0\0\0\0\0 and')
  const output = await OutputCopy.open(service.api, 'a', folder.path)
  await new Promise<void>((resolve) => output.follow(resolve))
  writeFileSync(join(folder.path, 'stderr'), 'as')
  await output.finish()
  t.is(readFileSync(join(folder.path, 'stdout'), 'utf8'), '\0\0\0\0\0\0\0 and kept')
  t.is(readFileSync(join(folder.path, 'stderr'), 'utf8'), 'as')
})

test('a log that comes byte by byte is told apart, and what is there already is skipped', async (t) => {
  using folder = aFolder()
  const log = Buffer.concat([
    frame(1, 'one\n'),
    frame(2, 'bad\n'),
    frame(1, ''),
    frame(9, 'nobody knows this stream'),
    frame(1, 'two'),
  ])
  using service = await aService(folder.path, (response) => {
    for (const byte of log) response.write(Buffer.from([byte]))
    response.end()
  })
  writeFileSync(join(folder.path, 'stdout'), 'one')
  const output = await OutputCopy.open(service.api, 'a', folder.path)
  await output.finish()
  t.is(readFileSync(join(folder.path, 'stdout'), 'utf8'), 'one\ntwo')
  t.is(readFileSync(join(folder.path, 'stderr'), 'utf8'), 'bad\n')
})

test('what a full disk took half of is not written again when there is room', async (t) => {
  using folder = aFolder()
  const disk = join(folder.path, 'disk')
  mkdirSync(disk)
  if (!needs(t, { name: 'the right to mount', found: isMounted(disk) })) return
  const text = Array.from({ length: 8000 }, (_, i) => `line ${i}\n`).join('')
  using service = await aService(folder.path, (response) => response.end(frame(1, text)))
  const output = await OutputCopy.open(service.api, 'a', disk)
  try {
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(96 * 1024))
    await new Promise<void>((resolve) => output.follow(resolve))
    const { size } = statSync(join(disk, 'stdout'))
    t.true(0 < size && size < text.length, `${size}`)
    rmSync(ballast)
    await new Promise<void>((resolve) => output.follow(resolve))
    t.is(readFileSync(join(disk, 'stdout'), 'utf8'), text)
  } finally {
    await output.close()
    execFileSync('umount', [disk])
  }
})

/** False: it may not be, as in most containers. */
function isMounted(path: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', path]).status === 0
}

test('a log that is cut off in a head ends without harm', async (t) => {
  using folder = aFolder()
  using service = await aService(folder.path, (response) => {
    response.end(Buffer.concat([frame(1, 'one'), frame(1, 'two').subarray(0, 5)]))
  })
  const output = await OutputCopy.open(service.api, 'a', folder.path)
  await output.finish()
  t.is(readFileSync(join(folder.path, 'stdout'), 'utf8'), 'one')
})

test('output that its task has removed does not grow where nobody sees it', async (t) => {
  using folder = aFolder()
  using service = await aService(folder.path, (response) => {
    response.end(Buffer.concat([frame(1, 'one'), frame(2, 'two')]))
  })
  const output = await OutputCopy.open(service.api, 'a', folder.path)
  const path = join(folder.path, 'stdout')
  const file = openSync(path, 'r')
  rmSync(path)
  await output.finish()
  t.is(fstatSync(file).size, 0)
  closeSync(file)
  t.is(readFileSync(join(folder.path, 'stderr'), 'utf8'), 'two')
})

test('an answer that is no JSON is a message, and one without end is a service away', async (t) => {
  using folder = aFolder()
  let answer = (response: ServerResponse) => void response.writeHead(502).end('<h1>Bad Gateway')
  using service = await aService(folder.path, (response) => answer(response))
  const call = { method: 'GET', path: '/' } as const
  t.is(messageOf(await service.api.call(call)), '<h1>Bad Gateway')
  answer = (response) => void response.writeHead(500).end()
  t.is(messageOf(await service.api.call(call)), 'it answered 500')
  const block = Buffer.alloc(1024 * 1024)
  answer = (response) => {
    for (let i = 0; i < 10; i += 1) response.write(block)
  }
  const error = await t.throwsAsync(service.api.call(call))
  t.regex(error.message, /does not answer \(more than 8388608 bytes\)/)
})

test('of a state that nobody knows it is said that it runs, of none nothing is said', (t) => {
  const found = (status: number, body: unknown) => foundOf({ status, body })
  const inState = (Status: string, ExitCode = 0) => found(200, { State: { Status, ExitCode } })
  t.like(inState('exited', 3), { kind: 'exited', code: 3 })
  t.deepEqual(inState('created'), { kind: 'made' })
  t.like(inState('paused'), { kind: 'running' })
  t.is(inState('removing'), undefined)
  t.is(found(200, {}), undefined)
  t.is(found(500, {}), undefined)
  t.deepEqual(found(404, {}), { kind: 'gone' })
})

test('whose memory was full is said by the log of the kernel, by its own name alone', async (t) => {
  using folder = aFolder()
  const log = join(folder.path, 'kmsg')
  const [one, other] = ['1'.repeat(64), '2'.repeat(64)]
  const line = (id: string, task: string): string =>
    `6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/docker/${id},task_memcg=/docker/${id},task=${task},pid=7,uid=0`
  writeFileSync(log, line(one, `oom_memcg=${other},task_memcg=`))
  t.true(await killedForMemory(one, log))
  t.false(await killedForMemory(other, log))
  t.false(await killedForMemory('', log))
  t.false(await killedForMemory(one, join(folder.path, 'none')))
})

test('notes are read past halves, and without a beginning there was nothing', (t) => {
  using folder = aFolder()
  const notes = new Notes(join(folder.path, 'notes'))
  const sandbox = aSandbox('t')
  notes.open('c-1', { sandbox })
  t.deepEqual(notes.all().get('c-1'), { sandbox, state: 'asked' })
  t.true(notes.add('c-1', 'starting'))
  appendFileSync(join(folder.path, 'notes', 'c-1'), '\nended {"ex')
  t.deepEqual(notes.all().get('c-1'), { sandbox, state: 'starting' })
  t.true(notes.add('c-1', { exit: { code: 3 } }))
  t.deepEqual(notes.all().get('c-1'), { sandbox, state: { exit: { code: 3 } } })
  t.false(notes.add('c-2', 'never'), 'nothing is known of it')
  writeFileSync(join(folder.path, 'notes', 'c-3'), '{"sandb')
  t.deepEqual([...notes.all().keys()], ['c-1'])
})

test('what a task is held to, and the limit it was found beyond, is there for the next agent', (t) => {
  using folder = aFolder()
  const notes = new Notes(join(folder.path, 'notes'))
  const disk = { isolator: 'disk', path: '/s', bytesMax: 1, askedBytes: 1 } as const
  const output = { stdoutBytesMax: 8_192, stderrBytesMax: 8_192 }
  const asked = { sandbox: aSandbox('t'), output, holds: [disk] }
  notes.open('c-1', asked)
  notes.add('c-1', 'started')
  const limit = { reason: 'CONTAINER_LIMITATION_DISK', message: 'too much', ends: true } as const
  notes.add('c-1', { limit })
  t.deepEqual(notes.all().get('c-1'), { ...asked, state: 'started', limit })
  notes.add('c-1', { exit: { code: 137 }, limit })
  t.deepEqual(notes.all().get('c-1')?.state, { exit: { code: 137 }, limit })
})

test('Podman keeps logs in its own way, all others as Docker can', (t) => {
  t.is(loggingOf({ 'libpod-api-version': '4.3.1' }).Type, 'k8s-file')
  t.is(loggingOf({ server: 'Docker/27.0 (linux)' }).Type, 'local')
})

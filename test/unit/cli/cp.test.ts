/** Copies out of a sandbox whose agent is hostile. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Copying, copy } from '../../../cli/commands/cp.ts'
import { ClusterError } from '../../../protocol/errors.ts'
import type { SandboxEntry } from '../../../protocol/schema/sandbox.ts'
import { recordingIo } from '../../support/io.ts'

const aFile = (name: string): SandboxEntry => ({
  name: Buffer.from(name),
  type: 'file',
  sizeBytes: 2,
  mode: 0o644,
  changedAtMs: 0,
})

/** Copies a folder of these files; who reads one of `refused` hears why not. */
async function copied(
  t: ExecutionContext,
  names: readonly string[],
  refused: Readonly<Record<string, string>> = {},
) {
  const to = mkdtempSync(join(tmpdir(), 'bourse-cp-'))
  t.teardown(() => rmSync(to, { recursive: true }))
  const { io, printed } = recordingIo()
  const copying: Copying = {
    reader: {
      async *list() {
        yield { kind: 'folder', entries: names.map(aFile), more: false }
      },
      async *read(path) {
        const why = refused[Buffer.from(path).toString()]
        if (why !== undefined) throw new ClusterError('cli/not-shown', 'never', why)
        const about = { offset: 0, sizeBytes: 2, version: 'v', mode: 0o644 }
        yield { kind: 'file', ...about, data: Buffer.from('ok') }
      },
    },
    io,
    json: false,
    count: { bytes: 0, files: 0, skipped: 0 },
    above: (print) => print(),
    parts: new Set(),
  }
  await copy(copying, new Uint8Array(), Buffer.from(to))
  return { to, count: copying.count, stderr: printed().stderr }
}

test('what an agent says of a file does not act on the terminal', async (t) => {
  const { count, stderr } = await copied(t, ['a', 'b'], { a: 'a: \x1b[2J\x1b]0;title\x07\nno' })
  t.is(stderr, 'bourse: not copied: a: \ufffd[2J\ufffd]0;title\ufffd\ufffdno\n')
  t.like(count, { files: 1, skipped: 1 })
})

test('the longest name is copied, and one that is too long here is left out', async (t) => {
  const [longest, tooLong] = ['x'.repeat(255), 'y'.repeat(256)]
  const { to, count, stderr } = await copied(t, [longest, tooLong, 'z'])
  t.deepEqual(readdirSync(to).sort(), [longest, 'z'])
  t.is(readFileSync(join(to, longest), 'utf8'), 'ok')
  t.regex(stderr, /^bourse: not copied: y{256}: .* cannot be written: ENAMETOOLONG$/m)
  t.like(count, { files: 2, skipped: 1 })
})

const IS_INTERRUPTED = `
import { clearOnStop, copy } from '${import.meta.resolve('../../../cli/commands/cp.js')}'
import { processIo } from '${import.meta.resolve('../../../cli/io.js')}'
const about = { offset: 0, sizeBytes: 4, version: 'v', mode: 0o644 }
const reader = {
  async *list() {
    yield { kind: 'entry', entry: { type: 'file' } }
  },
  async *read() {
    yield { kind: 'file', ...about, data: Buffer.from('ok') }
    process.emit('SIGINT')
  },
}
const count = { bytes: 0, files: 0, skipped: 0 }
const above = (print) => print()
const copying = { reader, io: processIo(), json: false, count, above, parts: new Set() }
clearOnStop(copying)
await copy(copying, Buffer.from('a'), Buffer.from(process.argv[1] + '/a'))`

test('a copy that is interrupted leaves no part of a file', (t) => {
  const to = mkdtempSync(join(tmpdir(), 'bourse-cp-'))
  t.teardown(() => rmSync(to, { recursive: true }))
  const args = ['--input-type=module', '-e', IS_INTERRUPTED, to]
  const ended = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.deepEqual([ended.status, ended.stderr], [130, ''])
  t.deepEqual(readdirSync(to), [])
})

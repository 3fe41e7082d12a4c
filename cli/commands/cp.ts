/** `bourse cp TASK:PATH LOCAL`: copies a file or a folder out of a sandbox. */
import { constants, rmSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { systemClock } from '../../bus/clock.ts'
import { randomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { SandboxEntry } from '../../protocol/schema/sandbox.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type Io, jsonLine } from '../io.ts'
import { NO_LIVE_LINE, openLiveLine } from '../live-line.ts'
import type { Invocation } from '../options.ts'
import { lengthOf, type SandboxReader, shownName, shownPath } from '../sandbox-reader.ts'
import { onStopSignal } from '../stop-signals.ts'
import { taskPath } from '../task-path.ts'
import { harmless } from '../text.ts'
import { goneText, type SandboxOptions, textOf, withSandbox } from './sandbox.ts'

/** Nobody else's file of that name is opened, and what it leads to is not written to. */
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
const FOLDER_MODE = 0o755

/** Where from, and who is told. */
export interface Copying {
  readonly reader: Pick<SandboxReader, 'list' | 'read'>
  readonly io: Io
  readonly json: boolean
  readonly count: { bytes: number; files: number; skipped: number }
  /** Prints with the live line out of the way. */
  readonly above: (print: () => void) => void
  /** Files here that are not whole yet. */
  readonly parts: Set<Buffer>
}

export function cp(
  text: string,
  local: string,
  invocation: Invocation<SandboxOptions>,
): Promise<ExitCode> {
  const { io, options } = invocation
  const wanted = taskPath(text)
  return withSandbox(wanted, invocation, async ({ reader, path, sandbox }) => {
    const count = { bytes: 0, files: 0, skipped: 0 }
    const live = io.isErrorTerminal
      ? openLiveLine({
          clock: systemClock,
          write: (line) => io.writeError(line),
          columns: () => io.columns ?? 80,
          text: () => `copied ${spellBytes(count.bytes)}, ${count.files} files`,
        })
      : NO_LIVE_LINE
    const above = (print: () => void): void => live.above(print)
    const parts = new Set<Buffer>()
    const copying = { reader, io, json: options.json === true, count, above, parts }
    const forget = clearOnStop(copying)
    try {
      const name = path.length === 0 ? Buffer.from(sandbox.taskId) : lastName(path)
      await copy(copying, path, await targetOf(local, name))
    } finally {
      forget()
      live.close()
    }
    return count.skipped === 0 ? EXIT.done : EXIT.failed
  })
}

/** Who is told to end does so at once, and leaves no part of a file. Gives what undoes this. */
export const clearOnStop = ({ parts, io }: Pick<Copying, 'parts' | 'io'>): (() => void) =>
  onStopSignal((why) => {
    for (const part of parts) rmSync(part, { force: true })
    if (io.isErrorTerminal) io.writeError('\n')
    process.exit(why === 'reader-gone' ? EXIT.done : EXIT.interrupted)
  })

const lastName = (path: Uint8Array): Buffer =>
  Buffer.from(path.subarray(Buffer.from(path).lastIndexOf('/') + 1))

/** Into a folder that is there, else under the given name. */
async function targetOf(local: string, name: Buffer): Promise<Buffer> {
  const found = await stat(local).catch(() => undefined)
  return found?.isDirectory() ? inside(Buffer.from(local), name) : Buffer.from(local)
}

const inside = (folder: Uint8Array, name: Uint8Array): Buffer =>
  Buffer.concat([folder, Buffer.from('/'), name])

/** @throws {ClusterError} `cli/cannot-write`; as the reader, of what is at `path` itself. */
export async function copy(copying: Copying, path: Uint8Array, to: Buffer): Promise<void> {
  for await (const content of copying.reader.list(path)) {
    if (content.kind === 'entry') {
      if (content.entry.type !== 'file') throw notCopied(path, content.entry)
      await copyFile(copying, path, to)
    } else {
      await makeFolder(to)
      for (const entry of content.entries) await copyEntry(copying, { path, to, entry })
    }
  }
}

interface EntryTo {
  readonly path: Uint8Array
  readonly to: Buffer
  readonly entry: SandboxEntry
}

/** What cannot be copied is named, and the rest is copied all the same. */
async function copyEntry(copying: Copying, { path, to, entry }: EntryTo): Promise<void> {
  const from = path.length === 0 ? entry.name : inside(path, entry.name)
  if (!isPlainName(entry.name)) return skip(copying, from, 'its name leads out of its folder')
  const target = inside(to, entry.name)
  try {
    if (entry.type === 'folder') await copy(copying, from, target)
    else if (entry.type === 'file') await copyFile(copying, from, target)
    else skip(copying, from, kindText(entry))
  } catch (error) {
    if (!isAboutOne(error)) throw error
    skip(copying, from, error.message.replace(`${shownPath(from)}: `, ''))
  }
}

/** Of what this machine cannot write, a name or a file that is too long says nothing of others. */
const isAboutOne = (error: unknown): error is ClusterError =>
  error instanceof ClusterError &&
  (['cli/not-shown', 'cli/file-changed'].includes(error.code) ||
    ['ENAMETOOLONG', 'EFBIG'].includes(
      (error.cause as NodeJS.ErrnoException | undefined)?.code ?? '',
    ))

/** An agent is believed nothing about where its files go. */
function isPlainName(name: Uint8Array): boolean {
  const text = Buffer.from(name).toString('latin1')
  return text !== '' && text !== '.' && text !== '..' && !/[/\0]/.test(text)
}

function skip({ io, count, above }: Copying, path: Uint8Array, why: string): void {
  count.skipped += 1
  // The agent itself may have said why.
  above(() => io.printError(`bourse: not copied: ${shownPath(path)}: ${harmless(why)}`))
}

function kindText({ type, target }: SandboxEntry): string {
  if (type === 'link') return `it is a symbolic link to ${shownName(target ?? new Uint8Array())}`
  return `it is a ${type}`
}

const notCopied = (path: Uint8Array, entry: SandboxEntry): ClusterError =>
  new ClusterError('cli/not-shown', 'never', `${shownPath(path)}: ${kindText(entry)}`)

async function makeFolder(path: Buffer): Promise<void> {
  await mkdir(path, { mode: FOLDER_MODE }).catch(async (error: NodeJS.ErrnoException) => {
    const isThere = error.code === 'EEXIST' && (await stat(path)).isDirectory()
    if (!isThere) throw cannotWrite(path, error)
  })
}

/** What was there under that name is replaced when all has come. */
async function copyFile(copying: Copying, path: Uint8Array, to: Buffer): Promise<void> {
  const { io, json, count, above, parts } = copying
  const part = partBeside(to)
  parts.add(part)
  const file = await open(part, CREATE_FLAGS, 0o600).catch((error: unknown) => {
    parts.delete(part)
    throw cannotWrite(to, error)
  })
  try {
    const bytes = await fill(file, path, copying)
    await file.close()
    await rename(part, to)
    count.files += 1
    if (json) above(() => io.print(jsonLine({ ...textOf('path', path), bytes })))
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(part, { force: true })
    throw isOfSystem(error) ? cannotWrite(to, error) : error
  } finally {
    parts.delete(part)
  }
}

/** In the same folder, or it could not take the other's place; short, however long that name is. */
const partBeside = (to: Buffer): Buffer =>
  Buffer.concat([to.subarray(0, to.lastIndexOf('/') + 1), Buffer.from(`.part-${randomToken(32)}`)])

/** Zeros are left out: they read as such. Nothing becomes more than its owner's own to run. */
async function fill(
  file: FileHandle,
  path: Uint8Array,
  { reader, io, count, above }: Copying,
): Promise<number> {
  let lengthBytes = 0
  let mode = 0o644
  for await (const piece of reader.read(path)) {
    const { data, goneBytes } = piece
    if (goneBytes !== undefined) above(() => io.printError(goneText(path, goneBytes)))
    else {
      await writeAll(file, data, lengthBytes)
      lengthBytes += lengthOf(piece)
      count.bytes += lengthOf(piece)
    }
    ;({ mode } = piece)
  }
  await file.truncate(lengthBytes)
  await file.chmod(mode & 0o777 & ~process.umask())
  return lengthBytes
}

async function writeAll(file: FileHandle, data: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, at + done)
    done += bytesWritten
  }
}

/** The sandbox is read over the bus: what the system itself says no to was to be written. */
const isOfSystem = (error: unknown): boolean => error instanceof Error && 'syscall' in error

const cannotWrite = (path: Uint8Array, error: unknown): ClusterError =>
  new ClusterError(
    'cli/cannot-write',
    'later',
    `${shownPath(path)} cannot be written: ${(error as NodeJS.ErrnoException).code}`,
    { cause: error },
  )

function spellBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${['KiB', 'MiB', 'GiB', 'TiB'][power - 1]}`
}

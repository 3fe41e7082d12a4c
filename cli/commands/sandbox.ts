/** `bourse ls | cat TASK[:PATH]`: what lies in the sandbox of a task, straight from its agent. */
import type { SandboxEntry } from '../../protocol/schema/sandbox.ts'
import { age } from '../columns.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { findLaunches, findSandbox, type Sandbox, tellOthers } from '../find-sandbox.ts'
import { type Io, jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { lengthOf, SandboxReader, shownName, shownPath } from '../sandbox-reader.ts'
import { type Column, tableLines } from '../table.ts'
import { type TaskPath, taskPath } from '../task-path.ts'

export interface SandboxOptions extends CommandOptions {
  /** Which launch of the task; absent: the newest. */
  readonly launch?: string
}

export interface ListOptions extends SandboxOptions {
  readonly launches?: boolean
}

interface Opened {
  readonly client: OperatorClient
  readonly reader: SandboxReader
  readonly sandbox: Sandbox
  readonly path: Uint8Array
}

/** Lends a reader of the sandbox that is meant. @throws {ClusterError} as `findSandbox`, `use`. */
export function withSandbox<T>(
  { wanted, path }: TaskPath,
  { options, io }: Invocation<SandboxOptions>,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  return withOperator(options, io.env, async (client) => {
    const found = await findSandbox(client, { ...wanted, launch: options.launch })
    tellOthers(io, found)
    const { sandbox } = found
    const reader = new SandboxReader(client, sandbox)
    try {
      return await use({ client, reader, sandbox, path: Buffer.from(path) })
    } finally {
      reader.close()
    }
  })
}

export function ls(text: string, invocation: Invocation<ListOptions>): Promise<ExitCode> {
  const { io, options } = invocation
  const wanted = taskPath(text)
  if (options.launches) return lsLaunches(wanted, invocation)
  return withSandbox(wanted, invocation, async ({ reader, path, client }) => {
    const { wallMs } = client.clock.now()
    let hasTitles = false
    for await (const content of reader.list(path)) {
      const entries = content.kind === 'folder' ? content.entries : [content.entry]
      if (options.json) for (const entry of entries) io.print(jsonLine(entryForPrograms(entry)))
      else printEntries(entries, { wallMs, hasTitles, io })
      hasTitles ||= entries.length > 0
      await io.drained()
    }
    return EXIT.done
  })
}

interface Printing {
  readonly wallMs: number
  readonly hasTitles: boolean
  readonly io: Io
}

/** Each page is as wide as it needs: a folder may have more than anybody can hold. */
function printEntries(entries: readonly SandboxEntry[], { wallMs, hasTitles, io }: Printing): void {
  if (entries.length === 0) return
  const lines = tableLines(entryColumns(wallMs), entries, io.columns)
  for (const line of hasTitles ? lines.slice(1) : lines) io.print(line)
}

function entryColumns(wallMs: number): readonly Column<SandboxEntry>[] {
  return [
    { title: 'MODE', text: modeText },
    { title: 'BYTES', text: ({ sizeBytes }) => String(sizeBytes), align: 'right' },
    { title: 'AGE', text: ({ changedAtMs }) => age(wallMs, changedAtMs), align: 'right', spare: 1 },
    { title: 'NAME', text: nameText, gives: true },
  ]
}

function nameText({ name, type, target }: SandboxEntry): string {
  const shown = shownName(name)
  if (type === 'link') return `${shown} -> ${shownName(target ?? new Uint8Array())}`
  return type === 'folder' ? `${shown}/` : shown
}

const LETTERS: Readonly<Record<SandboxEntry['type'], string>> = {
  file: '-',
  folder: 'd',
  link: 'l',
  pipe: 'p',
  socket: 's',
  device: 'b',
}

function modeText({ type, mode }: SandboxEntry): string {
  const bits = Array.from('rwxrwxrwx', (letter, i) => (mode & (0o400 >> i) ? letter : '-'))
  return `${LETTERS[type]}${bits.join('')}`
}

/** `nameBytes`, in base64, where the name is no text. */
function entryForPrograms({ name, target, changedAtMs, ...entry }: SandboxEntry): object {
  return {
    ...textOf('name', name),
    ...entry,
    changedAtMs: Math.round(changedAtMs),
    ...(target && textOf('target', target)),
  }
}

export function textOf(field: string, bytes: Uint8Array): Record<string, string> {
  const text = new TextDecoder().decode(bytes)
  const isText = Buffer.from(text).equals(bytes)
  if (isText) return { [field]: text }
  return { [field]: shownName(bytes), [`${field}Bytes`]: Buffer.from(bytes).toString('base64') }
}

function lsLaunches(
  { wanted }: TaskPath,
  { options, io }: Invocation<ListOptions>,
): Promise<ExitCode> {
  return withOperator(options, io.env, async (client) => {
    const { launches, gap } = await findLaunches(client, wanted)
    const { wallMs } = client.clock.now()
    if (options.json) for (const one of launches) io.print(jsonLine(one))
    else for (const line of tableLines(launchColumns(wallMs), launches, io.columns)) io.print(line)
    if (gap !== undefined) io.printError(`bourse: not all: ${gap}`)
    return EXIT.done
  })
}

function launchColumns(wallMs: number): readonly Column<Sandbox>[] {
  return [
    { title: 'LAUNCH', text: ({ launch }) => launch, gives: 'id' },
    { title: 'FRAMEWORK', text: ({ frameworkId }) => frameworkId, gives: 'id', spare: 1 },
    { title: 'TASK', text: ({ taskId }) => taskId, gives: 'id' },
    { title: 'AGENT', text: ({ agentId }) => agentId, gives: 'id' },
    { title: 'ENDED', text: ({ endedAtMs }) => age(wallMs, endedAtMs), align: 'right' },
  ]
}

export function cat(text: string, invocation: Invocation<SandboxOptions>): Promise<ExitCode> {
  const { io, options } = invocation
  const file = taskPath(text)
  if (file.path === '') throw wrongUse(`"${text}" names no file: give TASK:PATH`)
  return withSandbox(file, invocation, async ({ reader, path }) => {
    for await (const piece of reader.read(path)) {
      const { offset, data, goneBytes } = piece
      if (goneBytes !== undefined) io.printError(goneText(path, goneBytes))
      else if (options.json) io.print(jsonLine(pieceForPrograms(offset, bytesOf(piece))))
      else if (data.length > 0) io.write(data)
      else await writeZeros(io, lengthOf(piece))
      await io.drained()
    }
    return EXIT.done
  })
}

export const goneText = (path: Uint8Array, bytes: number): string =>
  `bourse: ${shownPath(path)}: its first ${bytes} bytes were taken away, as it had become too long`

const pieceForPrograms = (offset: number, data: object): object => ({ offset, ...data })

const bytesOf = ({ data, zeroBytes }: { data: Uint8Array; zeroBytes?: number }): object =>
  zeroBytes === undefined ? { data: Buffer.from(data).toString('base64') } : { zeroBytes }

const ZEROS = new Uint8Array(64 * 1024)

async function writeZeros(io: Io, lengthBytes: number): Promise<void> {
  for (let left = lengthBytes; left > 0; left -= ZEROS.length) {
    io.write(ZEROS.subarray(0, Math.min(left, ZEROS.length)))
    await io.drained()
  }
}

/** What a container writes, on its way from the service's log to the files of its sandbox. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { DockerApi, StreamOptions } from './api.ts'

/** A task may have put a link, a pipe or a device in the place of its output file. */
const WRITE_FLAGS =
  constants.O_RDWR |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK

/** Each piece is preceded by its stream's number, three zeros, and its length. */
const HEAD_BYTES = 8
/** A service that is stopped gives nothing, and does not say so. */
const SILENT_MS_MAX = 30_000
const STREAMS = { 1: 'stdout', 2: 'stderr' } as const

interface OutputFile {
  readonly file: FileHandle | undefined
  /** So much of the stream is in it already. */
  writtenBytes: number
}

/**
 * Copies a container's log into its sandbox, from wherever an earlier agent stopped: the log is
 * read from its start, and what the files hold already is skipped.
 */
export class OutputCopy {
  readonly #api: DockerApi
  readonly #path: string
  readonly #files: ReadonlyMap<number, OutputFile>
  readonly #abort = new AbortController()
  readonly #abortLast = new AbortController()
  #following: Promise<void> | undefined
  #isLast = false

  private constructor(api: DockerApi, name: string, files: ReadonlyMap<number, OutputFile>) {
    this.#api = api
    this.#path = `/containers/${name}/logs?stdout=1&stderr=1`
    this.#files = files
  }

  static async open(api: DockerApi, name: string, sandboxPath: string): Promise<OutputCopy> {
    const files = new Map<number, OutputFile>()
    for (const [number, stream] of Object.entries(STREAMS)) {
      files.set(Number(number), await openOutput(join(sandboxPath, stream)))
    }
    return new OutputCopy(api, name, files)
  }

  /** Does nothing while it is followed already. `onEnd`: the log has ended, or was cut off. */
  follow(onEnd: () => void): void {
    this.#following ??= this.#copy('&follow=1', { signal: this.#abort.signal }).then(() => {
      this.#following = undefined
      onEnd()
    })
  }

  /**
   * After the container's end: reads the whole log once more, as far as the service gives it. That
   * a followed one has ended proves nothing: the service may have been restarted. Nor is it whole:
   * Podman 4.3.1 was seen to leave out a piece in the middle, on a machine under load.
   */
  async finish(): Promise<void> {
    this.#abort.abort()
    await this.#following
    this.#isLast = true
    await this.#copy('', { signal: this.#abortLast.signal, idleMsMax: SILENT_MS_MAX })
    await this.close()
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#abortLast.abort()
    await this.#following
    for (const { file } of this.#files.values()) await file?.close().catch(() => {})
  }

  /** Output for which there is no room is lost. */
  async #copy(more: string, limits: StreamOptions): Promise<void> {
    const readBytes = new Map<number, number>()
    try {
      const answer = await this.#api.stream(this.#path + more, limits)
      const pieces = new Pieces()
      for await (const part of answer as AsyncIterable<Buffer>) {
        for (const { stream, bytes } of joined(pieces.take(part))) {
          const beforeBytes = readBytes.get(stream) ?? 0
          readBytes.set(stream, beforeBytes + bytes.length)
          const output = this.#files.get(stream)
          await this.#write(output, beforeBytes, bytes)
        }
      }
    } catch {
      // Cut off, or the disk is full: whoever follows again goes on from here.
    }
  }

  async #write(output: OutputFile | undefined, atBytes: number, bytes: Buffer): Promise<void> {
    if (this.#isLast) await mend(output, atBytes, bytes)
    await append(output, atBytes, bytes)
  }
}

/**
 * What was written from a followed log is cut where it differs from this one. A file that its task
 * has made shorter or longer is left as it is; what was trimmed reads as zeros.
 */
async function mend(output: OutputFile | undefined, atBytes: number, bytes: Buffer): Promise<void> {
  const { file, writtenBytes = 0 } = output ?? {}
  const lengthBytes = Math.min(bytes.length, writtenBytes - atBytes)
  if (output === undefined || file === undefined || lengthBytes <= 0) return
  if ((await file.stat()).size !== writtenBytes) return
  const { buffer } = await file.read(Buffer.alloc(lengthBytes), 0, lengthBytes, atBytes)
  if (buffer.equals(bytes.subarray(0, lengthBytes))) return
  const kept = buffer.findIndex((byte) => byte !== 0)
  const wrong = buffer.findIndex((byte, i) => i >= kept && byte !== bytes[i])
  if (kept < 0 || wrong < 0) return
  output.writtenBytes = atBytes + wrong
  await file.truncate(output.writtenBytes)
}

async function append(
  output: OutputFile | undefined,
  atBytes: number,
  bytes: Buffer,
): Promise<void> {
  if (output?.file === undefined) return
  const fresh = bytes.subarray(Math.max(0, output.writtenBytes - atBytes))
  if (fresh.length === 0) return
  // Removed by its task: it would fill the disk where nobody can read, count or trim it.
  if ((await output.file.stat()).nlink === 0) return
  // Counted piece by piece: a disk that becomes full has taken some of it.
  for (let atByte = 0; atByte < fresh.length; ) {
    const { bytesWritten } = await output.file.write(fresh, atByte)
    output.writtenBytes += bytesWritten
    atByte += bytesWritten
  }
}

async function openOutput(path: string): Promise<OutputFile> {
  const file = await open(path, WRITE_FLAGS, 0o640).catch(() => undefined)
  const found = await file?.stat()
  if (found?.isFile() === true && found.nlink === 1) return { file, writtenBytes: found.size }
  await file?.close()
  return { file: undefined, writtenBytes: 0 }
}

interface Piece {
  readonly stream: number
  readonly bytes: Buffer
}

/** One for each stream: services make a piece of each line, and lines may be a million. */
function joined(pieces: readonly Piece[]): Piece[] {
  const byStream = new Map<number, Buffer[]>()
  for (const { stream, bytes } of pieces) {
    const before = byStream.get(stream)
    if (before === undefined) byStream.set(stream, [bytes])
    else before.push(bytes)
  }
  return [...byStream].map(([stream, all]) => ({ stream, bytes: Buffer.concat(all) }))
}

/** Pieces of one log, cut as they arrive: a long one comes in several. */
export class Pieces {
  #head = Buffer.alloc(0)
  #leftBytes = 0

  take(part: Buffer): Piece[] {
    const pieces: Piece[] = []
    let rest = part
    while (rest.length > 0) {
      rest = this.#leftBytes === 0 ? this.#takeHead(rest) : rest
      const bytes = rest.subarray(0, this.#leftBytes)
      rest = rest.subarray(bytes.length)
      this.#leftBytes -= bytes.length
      if (bytes.length > 0) pieces.push({ stream: this.#head[0] ?? 0, bytes })
    }
    return pieces
  }

  #takeHead(part: Buffer): Buffer {
    if (this.#head.length === HEAD_BYTES) this.#head = Buffer.alloc(0)
    const missingBytes = HEAD_BYTES - this.#head.length
    this.#head = Buffer.concat([this.#head, part.subarray(0, missingBytes)])
    if (this.#head.length === HEAD_BYTES) this.#leftBytes = this.#head.readUInt32BE(4)
    return part.subarray(missingBytes)
  }
}

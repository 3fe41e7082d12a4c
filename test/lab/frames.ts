/** Cuts what a NATS client and server say to each other into frames: lines, and whole messages. */

/** `message`: what a publisher sent; all else (CONNECT, SUB, PING …) belongs to the connection. */
export interface Frame {
  readonly bytes: Buffer
  readonly isMessage: boolean
}

/** Of the first word: a message's last argument is its length in bytes. */
const MESSAGE = /^(?:PUB|HPUB|MSG|HMSG)\s/i
const LINE_END = Buffer.from('\r\n')

/** For one direction of one connection. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** The frames that are whole with `chunk`, in order. */
  push(chunk: Buffer): readonly Frame[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    let from = 0
    for (;;) {
      const frame = frameAt(bytes, from)
      if (frame === undefined) break
      frames.push(frame)
      from += frame.bytes.length
    }
    this.#rest = bytes.subarray(from)
    return frames
  }
}

function frameAt(bytes: Buffer, from: number): Frame | undefined {
  const lineEnd = bytes.indexOf(LINE_END, from)
  if (lineEnd === -1) return undefined
  const bodyAt = lineEnd + LINE_END.length
  const line = bytes.toString('latin1', from, lineEnd)
  if (!MESSAGE.test(line)) return { bytes: bytes.subarray(from, bodyAt), isMessage: false }
  const length = Number(line.trimEnd().split(/\s+/).at(-1))
  const end = bodyAt + length + LINE_END.length
  return end > bytes.length ? undefined : { bytes: bytes.subarray(from, end), isMessage: true }
}

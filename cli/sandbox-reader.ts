/**
 * Reads what lies in a sandbox. One answer is asked for at a time, by the name or the offset that
 * it begins with, so that what gets lost is asked for again, and a slow reader is waited for.
 */
import type { Subscription } from '../bus/bus.ts'
import { randomToken } from '../bus/random.ts'
import { RefusedError } from '../bus/service.ts'
import { ClusterError } from '../protocol/errors.ts'
import type { SessionId } from '../protocol/ids.ts'
import { FILE_READ_BYTES_MAX, SANDBOX_PATH_BYTES_MAX } from '../protocol/limits.ts'
import type {
  OperatorReadSandbox,
  SandboxContent,
  SandboxPiece,
} from '../protocol/schema/sandbox.ts'
import { sandboxPieces } from '../protocol/subjects.ts'
import { whyUnread } from './agents-away.ts'
import type { Sandbox } from './find-sandbox.ts'
import type { OperatorClient } from './operator-client.ts'

/** A piece that has not come for so long is lost, or its agent is away. */
const PIECE_MS_MAX = 2_000
/** So long nothing at all, and nobody waits any longer: leaders change, and agents come back. */
const PATIENCE_MS = 30_000
/** Before it is asked again where there was no leader, or it did not know the agent. */
const PAUSE_MS = 500

type FilePiece = Extract<SandboxContent, { kind: 'file' }>
type Listed = Exclude<SandboxContent, { kind: 'file' | 'refused' }>
type Ask = Pick<OperatorReadSandbox, 'path' | 'want' | 'offset' | 'bytesMax' | 'after'>

/** One answer as it comes. */
interface Answer {
  readonly came: SandboxPiece[]
  onPiece: () => void
  /** All of it was heard. */
  isWhole: boolean
}

export class SandboxReader {
  readonly #client: OperatorClient
  readonly #sandbox: Sandbox
  readonly #subscription: Subscription
  /** A folder is listed further while what is in it is read. */
  readonly #answers = new Map<SessionId, Answer>()
  #heardAtMs: number

  constructor(client: OperatorClient, sandbox: Sandbox) {
    this.#client = client
    this.#sandbox = sandbox
    this.#heardAtMs = client.clock.now().monotonicMs
    const { cluster, messenger } = client
    const { agentId, principal, frameworkId } = sandbox
    const ids = { cluster, agentId, principal, frameworkId }
    this.#subscription = messenger.listen(sandboxPieces, ids, (piece) => {
      const answer = this.#answers.get(piece.request)
      answer?.came.push(piece)
      answer?.onPiece()
    })
  }

  close(): void {
    this.#subscription.close()
  }

  /**
   * What is at a path: of a folder all entries, page by page.
   *
   * @throws {ClusterError} `cli/not-shown`; `cli/agent-silent`; as `ask`.
   */
  async *list(path: Uint8Array): AsyncGenerator<Listed> {
    let after: Uint8Array | undefined
    for (;;) {
      let isMore = true
      const answer = newAnswer()
      const behind = after === undefined ? {} : { after }
      for await (const content of this.#ask(answer, {
        path,
        want: 'list',
        ...behind,
        ...NO_BYTES,
      })) {
        if (content.kind !== 'folder' && content.kind !== 'entry') continue
        yield content
        isMore = content.kind === 'folder' && content.more
        if (content.kind === 'folder') after = content.entries.at(-1)?.name ?? after
      }
      if (!isMore) return
      if (!answer.isWhole) this.#checkPatience()
    }
  }

  /**
   * A file's bytes in order, as far as it reached when it was opened. Zeros and what was taken away
   * come as their number.
   *
   * @throws {ClusterError} as `list`, and `cli/file-changed`.
   */
  async *read(path: Uint8Array): AsyncGenerator<FilePiece> {
    let offset = 0
    let first: FilePiece | undefined
    for (;;) {
      const answer = newAnswer()
      const bytesMax = FILE_READ_BYTES_MAX
      for await (const piece of this.#ask(answer, { path, want: 'read', offset, bytesMax })) {
        if (piece.kind !== 'file') continue
        first ??= piece
        const whole = cutTo(piece, first.sizeBytes - offset)
        const lengthBytes = lengthOf(whole)
        const isShort = lengthBytes === 0 && offset < first.sizeBytes
        if (piece.version !== first.version || piece.offset !== offset || isShort)
          throw changed(path)
        yield whole
        offset += lengthBytes
        if (offset >= first.sizeBytes) return
      }
      if (!answer.isWhole) this.#checkPatience()
    }
  }

  /** Contents in order, up to the last or the first that is missing. */
  async *#ask(answer: Answer, ask: Ask): AsyncGenerator<SandboxContent> {
    // Tasks make folders in folders without end: what a copy goes through is left out there.
    if (ask.path.length > SANDBOX_PATH_BYTES_MAX)
      throw notShown(ask.path, `a path has ${SANDBOX_PATH_BYTES_MAX} bytes at most`)
    const { principal, frameworkId, taskId, launch, agentId } = this.#sandbox
    const request = randomToken(64) as SessionId
    this.#answers.set(request, answer)
    try {
      const task = { principal, frameworkId, taskId, launch, agentId }
      if (!(await this.#isAsked({ ...task, ...ask, request }))) return
      for (let part = 0; !answer.isWhole; part += 1) {
        const piece = answer.came.shift() ?? (await this.#nextPiece(answer))
        if (piece?.part !== part) return
        const { content, last } = piece
        this.#heardAtMs = this.#client.clock.now().monotonicMs
        if (content.kind === 'refused') throw notShown(ask.path, content.message)
        answer.isWhole = last
        yield content
      }
    } finally {
      this.#answers.delete(request)
    }
  }

  #nextPiece(answer: Answer): Promise<SandboxPiece | undefined> {
    return new Promise((resolve) => {
      const timer = this.#client.clock.after(PIECE_MS_MAX, () => resolve(undefined))
      answer.onPiece = () => {
        timer.cancel()
        answer.onPiece = () => undefined
        resolve(answer.came.shift())
      }
    })
  }

  /** @throws {ClusterError} `cli/agent-silent`. */
  #checkPatience(): void {
    const { clock } = this.#client
    if (clock.now().monotonicMs - this.#heardAtMs < PATIENCE_MS) return
    const { agentId } = this.#sandbox
    throw new ClusterError('cli/agent-silent', 'later', `agent ${agentId} does not answer`)
  }

  /** False: not now. @throws {ClusterError} what asking again will not cure. */
  async #isAsked(body: OperatorReadSandbox): Promise<boolean> {
    const { clock } = this.#client
    try {
      await this.#client.ask('read-sandbox', body)
      return true
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      const why = () => whyUnread(this.#client, body.agentId, error)
      if (!isWorthWaiting(error)) throw await why()
      await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve))
      if (clock.now().monotonicMs - this.#heardAtMs >= PATIENCE_MS) throw await why()
      return false
    }
  }
}

/** A leader that has just begun does not know all agents. */
export const isWorthWaiting = (error: ClusterError): boolean =>
  error.code === 'cli/no-leader' ||
  (error instanceof RefusedError && (error.retry === 'later' || error.refusal.name === 'not-found'))

const newAnswer = (): Answer => ({ came: [], onPiece: () => undefined, isWhole: false })

const NO_BYTES = { offset: 0, bytesMax: 1 } as const

export const lengthOf = ({ data, zeroBytes, goneBytes }: FilePiece): number =>
  goneBytes ?? zeroBytes ?? data.length

/** A file that grows is read as far as it was when it was opened. */
function cutTo(piece: FilePiece, lengthBytes: number): FilePiece {
  if (lengthOf(piece) <= lengthBytes) return piece
  if (piece.zeroBytes !== undefined) return { ...piece, zeroBytes: lengthBytes }
  if (piece.goneBytes !== undefined) return { ...piece, goneBytes: lengthBytes }
  return { ...piece, data: piece.data.subarray(0, lengthBytes) }
}

/** For people. */
export const shownPath = (path: Uint8Array): string => shownName(path) || '.'

/** What is no text is shown by the bytes that it has. */
export function shownName(name: Uint8Array): string {
  const shown = new TextDecoder().decode(name)
  const isPlain = !shown.includes('\ufffd') && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/u.test(shown)
  if (isPlain) return shown
  return Array.from(Buffer.from(name), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('')
}

const notShown = (path: Uint8Array, why: string): ClusterError =>
  new ClusterError('cli/not-shown', 'never', `${shownPath(path)}: ${why}`)

const changed = (path: Uint8Array): ClusterError =>
  new ClusterError('cli/file-changed', 'later', `${shownPath(path)} changed while it was read`)

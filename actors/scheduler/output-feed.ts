/** Output on its way to the author: one piece is asked for when it is wanted. */
import type { RandomToken } from '../../bus/random.ts'
import type { AgentId, SessionId, TaskId } from '../../protocol/ids.ts'
import type { OutputPiece } from './contract-statuses.ts'
import type { Input, OpenReadingInput } from './inputs.ts'

export interface OutputFeedDeps {
  readonly randomToken: RandomToken
  input(input: Input): void
}

/** What is to be read; where its task is must be known by then. */
export interface OutputWish extends Pick<OpenReadingInput, 'taskId' | 'stream' | 'offset'> {
  readonly agentId: AgentId | undefined
}

export class OutputFeed {
  readonly #deps: OutputFeedDeps
  readonly #waiting = new Map<SessionId, (piece: OutputPiece) => void>()
  #whyOver: string | undefined

  constructor(deps: OutputFeedDeps) {
    this.#deps = deps
  }

  tell(request: SessionId, piece: OutputPiece): void {
    this.#waiting.get(request)?.(piece)
  }

  end(why: string): void {
    this.#whyOver ??= why
    for (const tell of this.#waiting.values()) tell(noPiece(why))
  }

  /** `find`: where the task is, asked when the reading begins. */
  async *read(wish: OutputWish, find: (taskId: TaskId) => AgentId | undefined) {
    const { agentId = find(wish.taskId), ...what } = wish
    if (agentId === undefined) {
      yield noPiece(`nobody has said where task ${wish.taskId} is`, wish.offset)
      return
    }
    const request = this.#deps.randomToken(64) as SessionId
    this.#deps.input({ kind: 'framework.open-reading', request, ...what, agentId })
    try {
      for (let isOver = false; !isOver; ) {
        const piece = await this.#nextPiece(request)
        isOver = piece.end || piece.missing !== undefined
        yield piece
      }
    } finally {
      this.#waiting.delete(request)
      this.#deps.input({ kind: 'framework.close-reading', request })
    }
  }

  #nextPiece(request: SessionId): Promise<OutputPiece> {
    if (this.#whyOver !== undefined) return Promise.resolve(noPiece(this.#whyOver))
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve)
      this.#deps.input({ kind: 'framework.read', request })
    })
  }
}

const noPiece = (missing: string, offset = 0): OutputPiece => ({
  offset,
  data: new Uint8Array(),
  end: false,
  missing,
})

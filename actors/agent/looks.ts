/** Looking into sandboxes, a few at a time: a disk may be slow, and somebody may ask for much. */
import type { Sandboxes } from '../../agent-runtime/sandbox/sandboxes.ts'
import type { SandboxContent, SandboxPiece } from '../../protocol/schema/sandbox.ts'
import type { LookWanted } from './effects.ts'

const AT_ONCE_MAX = 4
/** More are forgotten: whoever asked asks again. */
const WAITING_MAX = 64

export interface LookTo {
  readonly sandboxes: Pick<Sandboxes, 'lookInto'>
  readonly wanted: LookWanted
  readonly send: (piece: SandboxPiece) => void
}

export class Looks {
  readonly #onFault: (fault: unknown) => void
  readonly #waiting: LookTo[] = []
  #running = 0

  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault
  }

  add(look: LookTo): void {
    if (this.#waiting.length >= WAITING_MAX) return
    this.#waiting.push(look)
    if (this.#running < AT_ONCE_MAX) void this.#work()
  }

  async #work(): Promise<void> {
    this.#running += 1
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      await answer(next).catch(this.#onFault)
    this.#running -= 1
  }
}

async function answer({ sandboxes, wanted, send }: LookTo): Promise<void> {
  const { request, sandbox, look } = wanted
  const { taskId } = sandbox
  let part = 0
  let before: SandboxContent | undefined
  const tell = (content: SandboxContent, last: boolean): void => {
    send({ request, taskId, part, last, content })
    part += 1
  }
  for await (const seen of sandboxes.lookInto({ sandbox, look })) {
    if (before !== undefined) tell(before, false)
    before = seen
  }
  if (before !== undefined) tell(before, true)
}

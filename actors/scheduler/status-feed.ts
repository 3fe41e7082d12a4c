/** Statuses on their way to the author, and back: which of them have been seen. */
import type { TaskId } from '../../protocol/ids.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Listening } from './contract.ts'
import type { StatusHandler, TaskStatus } from './contract-statuses.ts'
import { Feed } from './feed.ts'

interface UnseenStatus {
  readonly status: TaskStatus
  readonly seen: () => void
}

interface Reader {
  readonly feed: Feed<UnseenStatus>
  /** Undefined: all. */
  readonly taskId: TaskId | undefined
  readonly listening: Listening
}

export class StatusFeed {
  readonly #handlers = new Set<StatusHandler>()
  readonly #readers = new Set<Reader>()
  #end: { readonly error: Error | undefined } | undefined
  /** Those that came before the author could listen. Undefined: the author can. */
  #early: (() => void)[] | undefined = []

  /** A promise if somebody is busy with it: fulfilled when all have seen it. */
  tell(status: TaskStatus): void | Promise<void> {
    const early = this.#early
    if (early === undefined) return this.#hand(status)
    return new Promise((resolve) => early.push(() => resolve(this.#hand(status))))
  }

  /** The author has the scheduler in hand: who does not listen by now does not want to. */
  open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const hand of early) hand()
  }

  #hand(status: TaskStatus): void | Promise<void> {
    let busy: Promise<void>[] | undefined
    for (const handle of this.#handlers) {
      const handled = handle(status)
      if (handled !== undefined) (busy ??= []).push(handled)
    }
    return busy && Promise.all(busy).then(() => undefined)
  }

  listen(handle: StatusHandler): Listening {
    this.#handlers.add(handle)
    return { close: () => void this.#handlers.delete(handle) }
  }

  /** Of one task, from now until its end; of all, if none is named. */
  read(taskId: TaskId | undefined): AsyncIterable<TaskStatus> {
    const feed = new Feed<UnseenStatus>()
    const listening = this.listen((status) => {
      if (taskId !== undefined && status.taskId !== taskId) return undefined
      const seen = new Promise<void>((resolve) => feed.push({ status, seen: resolve }))
      if (taskId !== undefined && isTerminal(status.state)) this.#readNoMore(reader)
      return seen
    })
    const reader: Reader = { feed, taskId, listening }
    this.#readers.add(reader)
    if (this.#end !== undefined) feed.end(this.#end.error)
    return readStatuses(feed, () => {
      listening.close()
      this.#readers.delete(reader)
      for (const { seen } of feed.takeRest()) seen()
    })
  }

  /** What comes from here on is another's: the reader may be busy with the last one for long. */
  #readNoMore({ feed, listening }: Reader): void {
    listening.close()
    feed.end()
  }

  /** Who reads of this task alone has read all. */
  letGo(taskId: TaskId): void {
    for (const reader of this.#readers) if (reader.taskId === taskId) this.#readNoMore(reader)
  }

  end(error: Error | undefined): void {
    this.#end ??= { error }
    for (const { feed } of this.#readers) feed.end(error)
  }
}

async function* readStatuses(
  feed: Feed<UnseenStatus>,
  close: () => void,
): AsyncGenerator<TaskStatus, void> {
  try {
    for await (const { status, seen } of feed) {
      try {
        yield status
      } finally {
        seen()
      }
    }
  } finally {
    close()
  }
}

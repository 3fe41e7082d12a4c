/** What a container service tells by itself. It is told late or not at all when it is away. */
import type { Clock } from '../../../bus/clock.ts'
import { asQuery, type DockerApi } from './api.ts'

/** How soon a service that went away is asked again. */
const AGAIN_MS = 1000
/** Of a line that no sane service sends, so much is kept. */
const LINE_LENGTH_MAX = 1024 * 1024

export interface EventStreamOptions {
  readonly api: DockerApi
  readonly clock: Clock
  readonly filters: Readonly<Record<string, readonly string[]>>
  /** Something happened to the container of this name. */
  readonly onName: (name: string) => void
  /** It is listened to from now on, again or for the first time: what was before may be missing. */
  readonly onOpen: () => void
}

export class EventStream {
  readonly #options: EventStreamOptions
  readonly #abort = new AbortController()

  constructor(options: EventStreamOptions) {
    this.#options = options
    void this.#run()
  }

  close(): void {
    this.#abort.abort()
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    while (!this.#abort.signal.aborted) {
      await this.#listen().catch(() => {
        // It is away, or went away: what it did not tell is found by looking.
      })
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve))
    }
  }

  async #listen(): Promise<void> {
    const { api, clock, filters, onOpen } = this.#options
    const sinceS = Math.floor(clock.now().wallMs / 1000)
    const path = `/events?since=${sinceS}&filters=${asQuery(filters)}`
    const answer = await api.stream(path, { signal: this.#abort.signal })
    onOpen()
    let rest = ''
    for await (const part of answer as AsyncIterable<Buffer>) {
      const lines = (rest + part.toString()).split('\n')
      rest = (lines.pop() ?? '').slice(0, LINE_LENGTH_MAX)
      lines.forEach((line) => this.#tell(line))
    }
  }

  #tell(line: string): void {
    const name = nameIn(line)
    if (name !== undefined) this.#options.onName(name)
  }
}

function nameIn(line: string): string | undefined {
  try {
    const event = JSON.parse(line) as { Actor?: { Attributes?: { name?: unknown } } } | null
    const name = event?.Actor?.Attributes?.name
    return typeof name === 'string' ? name : undefined
  } catch {
    // Half a line, or what is no event: everything is looked at now and then anyway.
    return undefined
  }
}

/**
 * Docker's HTTP API over its socket, as Docker and Podman speak it.
 *
 * Paths carry no version: what is used here has been the same in every one, and services refuse
 * versions that are too old for them.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { ClusterError } from '../../../protocol/errors.ts'
import { fieldsOf, textOf } from './parse.ts'

/** Making and starting is work for the service: more at once only makes each one later. */
const HEAVY_AT_ONCE = 4
const CALLS_AT_ONCE = 16
/** A service that is stopped takes a call and never answers. */
const ANSWER_MS_MAX = 60_000
/** Who has others to look after waits no longer than this for a small question. */
export const SOON_MS_MAX = 5_000
/** Of an answer that no sane service gives, so much is read. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: IncomingHttpHeaders
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** Makes or starts a container. Default false. */
  readonly heavy?: boolean
  /** From when it is sent to its whole answer. Default ANSWER_MS_MAX. */
  readonly answerMsMax?: number | undefined
}

export interface StreamOptions {
  readonly signal: AbortSignal
  readonly idleMsMax?: number
  readonly body?: unknown
}

const JSON_HEADERS = { 'Content-Type': 'application/json' }

const GIVEN_UP = 'it was given up'

export class DockerApi {
  readonly socketPath: string
  readonly #heavy = new Agent({ maxSockets: HEAVY_AT_ONCE })
  readonly #light = new Agent({ maxSockets: CALLS_AT_ONCE })
  readonly #calls = new Set<AbortController>()
  #isClosed = false

  constructor(socketPath: string) {
    this.socketPath = socketPath
  }

  /**
   * One call and its whole answer, whatever its status.
   *
   * @throws {ClusterError} `docker/away`: whether it was done is not known.
   */
  async call(call: Call): Promise<Answer> {
    const { method, path, body, heavy = false, answerMsMax = ANSWER_MS_MAX } = call
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = text === undefined ? {} : JSON_HEADERS
    const over = new AbortController()
    this.#calls.add(over)
    try {
      if (this.#isClosed) throw new Error(GIVEN_UP)
      const agent = heavy ? this.#heavy : this.#light
      const { socketPath } = this
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const options = { method, path, headers, socketPath, agent, signal: over.signal }
        const asked = request(options, resolve)
        // Before, it waits for its turn: how long that takes says nothing about the service.
        asked.once('socket', () => abortIn(answerMsMax, over))
        asked.on('error', reject)
        asked.end(text)
      })
      const told = parsed(await wholeOf(answer))
      return { status: answer.statusCode ?? 0, body: told, headers: answer.headers }
    } catch (error) {
      throw this.#away((over.signal.aborted ? over.signal.reason : error) as Error)
    } finally {
      this.#calls.delete(over)
    }
  }

  /** Gives up all calls that are not answered, and all to come. */
  close(): void {
    this.#isClosed = true
    for (const over of this.#calls) over.abort(new Error(GIVEN_UP))
  }

  /**
   * An answer read as it comes, until `signal` or the service ends it. `idleMsMax`: or it is silent
   * for so long. With a body it is a POST.
   *
   * @throws {ClusterError} `docker/away`, `docker/refused`.
   */
  async stream(
    path: string,
    { signal, idleMsMax = 0, body }: StreamOptions,
  ): Promise<IncomingMessage> {
    const sent = body === undefined ? {} : { method: 'POST', headers: JSON_HEADERS }
    const options = { path, socketPath: this.socketPath, agent: false as const, signal, ...sent }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(options, resolve)
      asked.setTimeout(idleMsMax, () => asked.destroy(new Error(`silent for ${idleMsMax} ms`)))
      asked.on('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    }).catch((error: Error) => {
      throw this.#away(error)
    })
    if (answer.statusCode === 200) return answer
    const told = parsed(await wholeOf(answer))
    throw refusal({ status: answer.statusCode ?? 0, body: told })
  }

  #away(cause: Error): ClusterError {
    const what = (cause as NodeJS.ErrnoException).code ?? cause.message
    const message = `the container service at ${this.socketPath} does not answer (${what})`
    return new ClusterError('docker/away', 'later', message, { cause })
  }
}

/** Status 0: the service is away, and it is not known whether it was done. */
export async function answered(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    return { status: 0, body: { message: error.message } }
  }
}

/** What the service said when it refused. */
export function messageOf({ status, body }: Answer): string {
  return textOf(fieldsOf(body)['message']) || `it answered ${status}`
}

export const refusal = (answer: Answer): ClusterError =>
  new ClusterError('docker/refused', 'later', messageOf(answer))

/** The object that a query holds as JSON. */
export const asQuery = (value: unknown): string => encodeURIComponent(JSON.stringify(value))

/** Of a call that is over by then nothing is kept but a timer. */
function abortIn(delayMs: number, over: AbortController): void {
  const late = new WeakRef(over)
  AbortSignal.timeout(delayMs).addEventListener('abort', () => {
    late.deref()?.abort(new Error(`within ${delayMs} ms`))
  })
}

async function wholeOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part)
    sizeBytes += part.length
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Error(`more than ${ANSWER_BYTES_MAX} bytes`)
  }
  return Buffer.concat(parts).toString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Empty, or a text of something between us and the service.
    return { message: text.slice(0, 1000) }
  }
}

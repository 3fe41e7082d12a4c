/** A container service that answers what a test says, or not at all. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly answer: (status: number, body?: unknown) => void
  /** To be answered piece by piece, or cut off. */
  readonly response: ServerResponse
}

export class ScriptedService implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'bourse-scripted-service-'))
  readonly socketPath = join(this.folder, 'socket')
  readonly #server
  readonly #asked: Asked[] = []
  #heard = (): void => {}

  private constructor(handle: (asked: Asked) => void) {
    this.#server = createServer((request, response) => {
      const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://service')
      const answer = (status: number, body: unknown = {}): void =>
        void response.writeHead(status).end(JSON.stringify(body))
      const asked = { method: request.method ?? '', path, query, answer, response }
      this.#asked.push(asked)
      handle(asked)
      this.#heard()
    })
  }

  static async open(handle: (asked: Asked) => void): Promise<ScriptedService> {
    const service = new ScriptedService(handle)
    await new Promise<void>((resolve) => service.#server.listen(service.socketPath, resolve))
    return service
  }

  /** Waits until it has been asked so often what `isMeant` takes; gives those questions. */
  async asked(isMeant: (asked: Asked) => boolean, count = 1): Promise<readonly Asked[]> {
    while (this.#asked.filter(isMeant).length < count) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
    return this.#asked.filter(isMeant)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.folder, { recursive: true })
  }
}

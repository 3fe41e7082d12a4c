/** Stands between one client and its NATS servers, and does to them what a bad network does. */
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import type { Direction, Proxy, ProxySettings } from './contract.ts'
import { type Counts, Pipe, type Treatment } from './pipe.ts'

export interface ProxyOptions {
  /** The servers: ports on loopback. */
  readonly ports: readonly number[]
  /** Where it listens. Default 127.0.0.1. */
  readonly address?: string
  readonly random?: () => number
}

export interface OpenProxy extends Proxy {
  close(): Promise<void>
}

const gentle = (): Treatment => ({
  isCut: false,
  isCutMidFrame: false,
  delayMs: 0,
  jitterMs: 0,
  dropPart: 0,
  duplicatePart: 0,
})

export async function openProxy(options: ProxyOptions): Promise<OpenProxy> {
  const { ports, address = '127.0.0.1', random = Math.random } = options
  const proxy = new TcpProxy(random)
  const urls: string[] = []
  for (const port of ports) urls.push(`nats://${address}:${await proxy.listen(address, port)}`)
  proxy.url = urls.join(',')
  return proxy
}

/** One connection of the client with one server, two sockets. */
interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly out: Pipe
  readonly in: Pipe
}

class TcpProxy implements OpenProxy {
  url = ''
  readonly counts: Counts = { passed: 0, dropped: 0, repeated: 0 }
  readonly #random: () => number
  readonly #listeners: Server[] = []
  readonly #pairs = new Set<Pair>()
  readonly #out = gentle()
  readonly #in = gentle()
  #isRefusing = false

  constructor(random: () => number) {
    this.#random = random
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** The port that it listens on for the server on `port`. */
  listen(address: string, port: number): Promise<number> {
    const listener = createServer({ noDelay: true }, (client) => this.#take(client, port))
    this.#listeners.push(listener)
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(0, address, () => {
        const bound = listener.address()
        resolve(typeof bound === 'object' ? (bound?.port ?? 0) : 0)
      })
    })
  }

  cut(direction: Direction = 'both'): void {
    if (direction !== 'in') this.#out.isCut = true
    if (direction !== 'out') this.#in.isCut = true
  }

  refuse(): void {
    this.#isRefusing = true
    this.hangUp()
  }

  heal(): void {
    this.#isRefusing = false
    Object.assign(this.#out, gentle())
    Object.assign(this.#in, gentle())
    for (const pair of this.#pairs)
      if (pair.out.isBroken || pair.in.isBroken || isHalf(pair)) this.#drop(pair)
  }

  set(settings: ProxySettings): void {
    Object.assign(this.#out, settings)
    Object.assign(this.#in, settings)
  }

  cutMidFrame(direction: 'out' | 'in' = 'out'): void {
    const treatment = direction === 'out' ? this.#out : this.#in
    treatment.isCutMidFrame = true
  }

  hangUp(): void {
    for (const pair of this.#pairs) this.#drop(pair)
  }

  async close(): Promise<void> {
    this.refuse()
    await Promise.all(
      this.#listeners.map((one) => new Promise<void>((resolve) => one.close(() => resolve()))),
    )
  }

  #take(client: Socket, port: number): void {
    if (this.#isRefusing) return void client.destroy()
    const server = tcpConnect({ port, host: '127.0.0.1', noDelay: true })
    const shared = { counts: this.counts, random: this.#random }
    const out = new Pipe({ ...shared, from: client, to: server, treatment: this.#out })
    const into = new Pipe({ ...shared, from: server, to: client, treatment: this.#in })
    const pair: Pair = { client, server, out, in: into }
    this.#pairs.add(pair)
    for (const [socket, way] of [
      [client, this.#out],
      [server, this.#in],
    ] as const) {
      // What went wrong is no matter: `close` follows.
      socket.on('error', () => undefined)
      // The end of a connection is a packet, too: a cut swallows it.
      socket.on('close', () => {
        if (!way.isCut || isGone(pair)) this.#drop(pair)
      })
    }
  }

  #drop(pair: Pair): void {
    pair.out.close()
    pair.in.close()
    pair.client.destroy()
    pair.server.destroy()
    this.#pairs.delete(pair)
  }
}

const isGone = ({ client, server }: Pair): boolean => client.destroyed && server.destroyed
const isHalf = ({ client, server }: Pair): boolean => client.destroyed || server.destroyed

/** The bus with nothing of ours between: the client and the packer as their makers ship them. */
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Packr, Unpackr } from 'msgpackr/pack'

const packr = new Packr({ useRecords: false, variableMapSize: true } as object)
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/** So that no message is larger than the product's largest. */
const ITEMS_MAX = 500

export interface From {
  readonly subject: string
  readonly reply: string | undefined
}

export class Wire {
  readonly #connection: NatsConnection
  readonly inbox: string

  private constructor(connection: NatsConnection, inbox: string) {
    this.#connection = connection
    this.inbox = inbox
  }

  static async open(nats: string, name: string, inbox: string): Promise<Wire> {
    return new Wire(await connect({ servers: [nats], name, inboxPrefix: inbox }), inbox)
  }

  /** `Body` is taken on trust: nothing is checked here. */
  hear<Body>(subject: string, handle: (body: Body, from: From) => void): void {
    this.#connection.subscribe(subject, {
      callback(error, { data, subject: from, reply }) {
        if (error) throw error
        handle(unpackr.unpack(data) as Body, { subject: from, reply })
      },
    })
  }

  send(subject: string, body: unknown, reply?: string): void {
    const options = reply === undefined ? {} : { reply }
    this.#connection.publish(subject, packr.pack(body), options)
  }

  /** Resolves when all that was said to us before has been heard. */
  flush(): Promise<void> {
    return this.#connection.flush()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

/** What is said to each receiver in one turn of the event loop leaves as one message. */
export class Turn<Item> {
  readonly #queues = new Map<string, Item[]>()
  readonly #send: (subject: string, items: readonly Item[]) => void

  constructor(send: (subject: string, items: readonly Item[]) => void) {
    this.#send = send
  }

  add(subject: string, item: Item): void {
    if (this.#queues.size === 0) setImmediate(() => this.#end())
    const queue = this.#queues.get(subject)
    if (queue === undefined) this.#queues.set(subject, [item])
    else queue.push(item)
  }

  #end(): void {
    for (const [subject, items] of this.#queues) {
      for (let i = 0; i < items.length; i += ITEMS_MAX)
        this.#send(subject, items.length <= ITEMS_MAX ? items : items.slice(i, i + ITEMS_MAX))
    }
    this.#queues.clear()
  }
}

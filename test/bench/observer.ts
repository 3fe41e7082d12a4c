/**
 * Counts what is said, as a stranger that only listens: it keeps the bytes, and reads them when it
 * is asked, after the time that is measured.
 */
import { systemClock } from '../../bus/clock.ts'
import { decode } from '../../bus/codec.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { check } from '../../protocol/check.ts'
import { acknowledgements, allEvents, eventIdsOf } from '../../protocol/subjects.ts'
import { serveParent } from './child.ts'

export interface ObserverStart {
  readonly nats: string
  readonly cluster: string
}

export interface ObserverAsk {
  /** Answered when so many different statuses were acknowledged, */
  readonly acknowledged: number
  /** and so many ends of tasks were told to the world; or when nothing new came for long. */
  readonly finished: number
}

export interface ObserverAnswer {
  readonly messages: number
  readonly bytes: number
  /** By distinct uuid. */
  readonly acknowledged: number
  /** By kind and word: `task.finished`. */
  readonly events: Readonly<Record<string, number>>
}

const QUIET_MS = 5_000

interface Heard {
  readonly subject: string
  readonly payload: Uint8Array
}

const { nats, cluster } = JSON.parse(process.argv[2] ?? '{}') as ObserverStart
const system = natsSystem({ location: { servers: [nats], source: 'nats' } })
const bus = await system.connect({ name: 'bench-observer' })
let heard: Heard[] = []
let onHeard: () => void = () => undefined
const take = (message: Heard): void => {
  heard.push(message)
  onHeard()
}
bus.subscribe(acknowledgements.on({ cluster }), take)
bus.subscribe(allEvents(cluster), take)
await bus.flush()

class Tally {
  messages = 0
  bytes = 0
  readonly uuids = new Set<string>()
  readonly events: Record<string, number> = {}

  add({ subject, payload }: Heard): void {
    this.messages += 1
    this.bytes += payload.length
    const decoded = decode(payload)
    if (!decoded.ok) throw new Error(`${subject}: ${decoded.refusal.message}`)
    const event = eventIdsOf(subject)
    if (event === undefined) this.#addAcks(decoded.value)
    else this.#addEvents(`${event.kind}.${event.what}`, decoded.value)
  }

  #addAcks(body: unknown): void {
    const checked = check('Acknowledgements', body)
    if (!checked.ok) throw new Error(checked.refusal.message)
    for (const { uuid } of checked.value.acks) this.uuids.add(uuid)
  }

  #addEvents(name: string, body: unknown): void {
    const checked = check('PublicEvents', body)
    if (!checked.ok) throw new Error(checked.refusal.message)
    this.events[name] = (this.events[name] ?? 0) + checked.value.events.length
  }
}

/** What was heard since the last question. */
async function answer({ acknowledged, finished }: ObserverAsk): Promise<ObserverAnswer> {
  const tally = new Tally()
  while (true) {
    await bus.flush()
    for (const message of heard.splice(0)) tally.add(message)
    const ends = tally.events['task.finished'] ?? 0
    if (tally.uuids.size >= acknowledged && ends >= finished) break
    if (!(await somethingCame())) break
  }
  const { messages, bytes, uuids, events } = tally
  return { messages, bytes, acknowledged: uuids.size, events }
}

/** False when nothing came for long. */
function somethingCame(): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = systemClock.after(QUIET_MS, () => resolve(false))
    onHeard = () => {
      timer.cancel()
      onHeard = () => undefined
      resolve(true)
    }
  })
}

serveParent<ObserverAsk, ObserverAnswer>(answer, () => bus.close())

/** A leader and an agent that say what a script says, to a framework that knows only the bus. */
import { decode, encode } from '../../bus/codec.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { refusalBody, refusalHeaders } from '../../bus/service.ts'
import { check } from '../../protocol/check.ts'
import { type RefusalName, refusal } from '../../protocol/errors.ts'
import type { AgentId, FrameworkKey } from '../../protocol/ids.ts'
import {
  acknowledgements,
  frameworkCall,
  frameworkEvents,
  leaderBeat,
  statusUpdates,
} from '../../protocol/subjects.ts'

const CLUSTER = 'bourse'
const RUN = '00000000000000aa'
/** Much faster than a real one, so that a play is short. */
const BEAT_MS = 50

/** What the framework said: a call by its verb, or `ack`. */
export interface Line {
  readonly verb: string
  /** Of the shape that belongs to it. */
  readonly body: unknown
  readonly answer: () => void
  readonly refuse: (name: RefusalName, message: string) => void
}

export interface Stage {
  /** From the leader, or from the one of that epoch. */
  readonly tell: (events: readonly object[], epoch?: number) => void
  /** From now on the leader is another, of that epoch. The first is of 3. */
  readonly lead: (epoch: number) => void
  /** From the agent. */
  readonly update: (statuses: readonly object[]) => void
}

export interface Play {
  /** What was wrong with what the framework said: every message is held against its shape. */
  readonly problems: readonly string[]
  close(): Promise<void>
}

export async function playLeader(
  url: string,
  script: (line: Line, stage: Stage) => void,
): Promise<Play> {
  const system = natsSystem({ location: { servers: [url], source: 'a test' } })
  const bus = await system.connect({ name: 'scripted leader' })
  const problems: string[] = []
  let leader = 3
  const stageOf = (ids: FrameworkKey): Stage => ({
    tell: (events, epoch = leader) =>
      bus.publish(
        frameworkEvents.to({ cluster: CLUSTER, ...ids }),
        encode({ epoch, run: RUN, events }),
      ),
    lead(epoch) {
      leader = epoch
    },
    update: (statuses) =>
      bus.publish(
        statusUpdates.to({ cluster: CLUSTER, ...ids, agentId: 'agent-1' as AgentId }),
        encode({ statuses }),
      ),
  })
  bus.subscribe(frameworkCall.on({ cluster: CLUSTER }), ({ subject, payload, reply = '' }) => {
    const ids = frameworkCall.parse(subject)
    const name = ids && frameworkCall.body(ids)
    if (ids === undefined || name === undefined) return void problems.push(subject)
    const decoded = decode(payload)
    const checked = decoded.ok ? check(name, structuredClone(decoded.value)) : decoded
    if (!checked.ok) return void problems.push(checked.refusal.message)
    const { principal, frameworkId, verb } = ids
    const line: Line = {
      verb,
      body: checked.value,
      answer: () => bus.publish(reply, encode({})),
      refuse(name, message) {
        const refused = refusal(name, message)
        bus.publish(reply, encode(refusalBody(refused)), { headers: refusalHeaders(refused) })
      },
    }
    script(line, stageOf({ principal, frameworkId }))
  })
  bus.subscribe(acknowledgements.on({ cluster: CLUSTER }), ({ subject, payload }) => {
    const ids = acknowledgements.parse(subject)
    const decoded = decode(payload)
    const checked = decoded.ok ? check('Acknowledgements', decoded.value) : decoded
    if (ids === undefined || !checked.ok) return void problems.push(subject)
    const nothing = (): void => undefined
    const line = { verb: 'ack', body: checked.value, answer: nothing, refuse: nothing }
    script(line, stageOf({ principal: ids.principal, frameworkId: ids.frameworkId }))
  })
  const beat = (): Uint8Array =>
    encode({ epoch: leader, run: RUN, master: 'm1', version: { min: 1, max: 1 } })
  const timer = setInterval(() => bus.publish(leaderBeat.to({ cluster: CLUSTER }), beat()), BEAT_MS)
  return {
    problems,
    async close() {
      clearInterval(timer)
      await bus.close()
    },
  }
}

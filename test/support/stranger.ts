/** Somebody on the bus who says whatever they like, and what the leader answers. */
import type { Bus } from '../../bus/bus.ts'
import { openCalls } from '../../bus/calls.ts'
import { systemClock } from '../../bus/clock.ts'
import { encode } from '../../bus/codec.ts'
import type { NatsLocation } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { randomToken } from '../../bus/random.ts'
import { RefusedError } from '../../bus/service.ts'
import type { FrameworkId, Principal } from '../../protocol/ids.ts'
import type { MasterReport } from '../../protocol/schema/operator.ts'
import { frameworkCall, operatorCall } from '../../protocol/subjects.ts'

const CLUSTER = 'bourse'
/** A machine that is busy with tests answers late. */
const PATIENCE_MS = 10_000
/** Then it is asked again: a reader that the server cuts off loses what is on its way to it. */
const AGAIN_MS = 2_000
const TRIES_MAX = 1_000

export interface Stranger {
  readonly bus: Bus
  say(subject: string, payload: Uint8Array, reply?: string): void
  /** The refusal's name; `done`: it was not refused. */
  ask(subject: string, payload: Uint8Array): Promise<string>
  /** The same of a framework's call. */
  call(frameworkId: string, verb: string, body: unknown): Promise<string>
  /** The leader's report, as `bourse status` shows it; 10 s is how long it may take. */
  report(patienceMs?: number): Promise<MasterReport>
  /** How much higher than it was a counter of the leader is. */
  counted(name: string, before: MasterReport): Promise<number>
  /** Resolves when a counter is so much higher than it was: connections are in no order. */
  counts(name: string, before: MasterReport, more?: number): Promise<void>
  close(): Promise<void>
}

/** `at`: the server's address, or how somebody with credentials connects, and with which inbox. */
export async function openStranger(at: string | NatsLocation, inbox?: string): Promise<Stranger> {
  const location = typeof at === 'string' ? { servers: [at], source: 'a test' } : at
  const system = natsSystem({ location })
  const bus = await system.connect({ name: 'stranger', ...(inbox !== undefined && { inbox }) })
  const calls = openCalls({ bus, clock: systemClock, randomToken })
  const ask = async (subject: string, payload: Uint8Array): Promise<string> => {
    try {
      await calls.call(subject, payload, PATIENCE_MS)
      return 'done'
    } catch (error) {
      if (error instanceof RefusedError) return error.refusal.name
      throw error
    }
  }
  const report = async (patienceMs = PATIENCE_MS): Promise<MasterReport> => {
    const subject = operatorCall.to({ cluster: CLUSTER, principal: LOCAL, verb: 'master' })
    const asked = calls.call(subject, encode({}), Math.min(AGAIN_MS, patienceMs))
    try {
      return (await asked) as MasterReport
    } catch (error) {
      if (error instanceof RefusedError || patienceMs <= AGAIN_MS) throw error
      return await report(patienceMs - AGAIN_MS)
    }
  }
  const counted = async (name: string, { counters }: MasterReport): Promise<number> =>
    ((await report()).counters[name] ?? 0) - (counters[name] ?? 0)
  return {
    bus,
    say: (subject, payload, reply) =>
      bus.publish(subject, payload, reply === undefined ? {} : { reply }),
    ask,
    call: (frameworkId, verb, body) => ask(callOf(frameworkId, verb), encode(body)),
    report,
    counted,
    async counts(name, before, more = 1) {
      for (let tries = 0; tries < TRIES_MAX; tries++)
        if ((await counted(name, before)) >= more) return
      throw new Error(`${name} has not risen by ${more}`)
    },
    async close() {
      calls.close()
      await bus.close()
    },
  }
}

const LOCAL = 'local' as Principal

export const callOf = (frameworkId: string, verb: string): string =>
  frameworkCall.to({
    cluster: CLUSTER,
    principal: LOCAL,
    frameworkId: frameworkId as FrameworkId,
    verb,
  })

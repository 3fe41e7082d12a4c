/** What went through a nats-server, as it counts itself: by its monitoring, which costs nothing. */
import { readFileSync } from 'node:fs'
import type { TestServer } from '../support/nats.ts'
import { round } from './result.ts'

/** A line for the server's configuration: it chooses the port and writes it into its log. */
export const MONITORED = '\nhttp: "127.0.0.1:-1"\n'

const MONITOR = /Starting http monitor on (\S+)/g

export interface Traffic {
  /** What clients have said. */
  readonly messages: number
  /** Without subjects. */
  readonly bytes: number
  /** What clients were told: one message may be told to several. */
  readonly deliveries: number
  readonly deliveredBytes: number
  /** Connections that the server has cut off, since they did not read for too long. */
  readonly cutOff: number
}

interface Varz {
  readonly in_msgs: number
  readonly in_bytes: number
  readonly out_msgs: number
  readonly out_bytes: number
  readonly slow_consumers: number
}

/** `server` was started with MONITORED. */
export async function trafficOf(server: TestServer): Promise<Traffic> {
  const address = [...readFileSync(server.logPath, 'utf8').matchAll(MONITOR)].at(-1)?.[1]
  if (address === undefined)
    throw new Error(`no monitoring of ${server.url}: see ${server.logPath}`)
  const response = await fetch(`http://${address}/varz`)
  const varz = (await response.json()) as Varz
  return {
    messages: varz.in_msgs,
    bytes: varz.in_bytes,
    deliveries: varz.out_msgs,
    deliveredBytes: varz.out_bytes,
    cutOff: varz.slow_consumers,
  }
}

/** Of each of `tasks`, between two looks. */
export function trafficPerTask(
  before: Traffic,
  after: Traffic,
  tasks: number,
): Readonly<Record<string, number>> {
  const each = (name: keyof Traffic, digits: number): number =>
    round((after[name] - before[name]) / tasks, digits)
  return {
    messages: each('messages', 2),
    bytes: each('bytes', 0),
    deliveries: each('deliveries', 2),
    deliveredBytes: each('deliveredBytes', 0),
  }
}

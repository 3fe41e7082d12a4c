/**
 * A client of the neighbour, in a process of its own so that nothing but the neighbour makes it
 * wait: one question every few milliseconds, whether the last one was answered or not.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { sleep } from '../../bus/clock.ts'
import { serveParent } from '../bench/child.ts'
import { percentile } from '../bench/result.ts'

export interface ClientStart {
  readonly port: number
}

/** `begin`: what was asked until now is forgotten. `tell`: waits for answers, then tells. */
export type ClientAsk = { readonly do: 'begin' } | { readonly do: 'tell' }

export interface Latency {
  readonly asked: number
  /** After a long wait. */
  readonly unanswered: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const EVERY_MS = 5
const ANSWER_MS_MAX = 5_000
const TRY_MS = 50
const TRIES_MAX = 200

const { port } = JSON.parse(process.argv[2] ?? '{}') as ClientStart
let number = 0
let isOver = false
let latencies: number[] = []
const askedAtMs = new Map<number, number>()

const socket = await connected()
socket.setNoDelay(true)
// The neighbour is gone: what is asked from now on stays unanswered.
socket.on('error', () => undefined)
const lines = createInterface({ input: socket })
lines.on('error', () => undefined)
lines.on('line', (line) => {
  const askedAt = askedAtMs.get(Number(line))
  if (askedAt === undefined) return
  askedAtMs.delete(Number(line))
  latencies.push(performance.now() - askedAt)
})
void ask()

/** A question is due at its time, also if this process is late: that counts. */
async function ask(): Promise<void> {
  const startMs = performance.now()
  for (let due = 0; !isOver; await sleep(EVERY_MS))
    while (startMs + due * EVERY_MS <= performance.now()) {
      number += 1
      askedAtMs.set(number, startMs + due * EVERY_MS)
      if (socket.writable) socket.write(`${number}\n`)
      due += 1
    }
}

async function answer(wanted: ClientAsk): Promise<Latency> {
  if (wanted.do === 'begin') {
    latencies = []
    askedAtMs.clear()
  }
  const last = number
  const untilMs = performance.now() + ANSWER_MS_MAX
  const isWaiting = (): boolean => [...askedAtMs.keys()].some((one) => one <= last)
  while (wanted.do === 'tell' && isWaiting() && performance.now() < untilMs) await sleep(EVERY_MS)
  const unanswered = [...askedAtMs.keys()].filter((one) => one <= last).length
  return {
    asked: latencies.length + unanswered,
    unanswered,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: percentile(latencies, 1),
  }
}

async function connected(): Promise<Socket> {
  for (let tries = 1; ; tries++)
    try {
      const made = connect(port, '127.0.0.1')
      await once(made, 'connect')
      return made
    } catch (error) {
      if (tries === TRIES_MAX) throw error
      await sleep(TRY_MS)
    }
}

serveParent<ClientAsk, Latency>(answer, () => {
  isOver = true
  socket.destroy()
  return Promise.resolve()
})

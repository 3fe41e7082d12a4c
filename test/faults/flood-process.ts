/** `flood-process URL PER_SECOND`: a framework that calls and calls, until it is ended. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { constants, setPriority } from 'node:os'
import { encode } from '../../bus/codec.ts'
import { callOf, openStranger } from '../support/stranger.ts'

const [url = '', perSecond = '0'] = process.argv.slice(2)
const FLOODER = 'flooder'
const EVERY_MS = 5
const SECOND_MS = 1_000
/** Calls that are written at once. */
const BURST = 250
/** What the server has not taken yet: more would be no faster. */
const WAITING_BYTES_MAX = 1024 * 1024

// It would have a machine of its own: what it takes to flood is not to be the cluster's. So its
// calls are made once, and go by a socket alone.
setPriority(constants.priority.PRIORITY_LOW)
const stranger = await openStranger(url)
const body = { secret: 'the flood knows it', name: FLOODER }
await stranger.call(FLOODER, 'subscribe', body)
await stranger.call(FLOODER, 'suppress', {})
const payload = encode({})
const call = Buffer.concat([
  Buffer.from(`PUB ${callOf(FLOODER, 'pong')} ${payload.length}\r\n`),
  payload,
  Buffer.from('\r\n'),
])
const calls = Buffer.concat(Array.from({ length: BURST }, () => call))

const { hostname, port } = new URL(url)
const socket = connect(Number(port), hostname)
await once(socket, 'data')
socket.write('CONNECT {"verbose":false}\r\n')
socket.on('data', (said: Buffer) => {
  if (said.includes('PING')) socket.write('PONG\r\n')
})

let said = 0
const begunMs = performance.now()
const say = (): void => {
  const due = ((performance.now() - begunMs) * Number(perSecond)) / SECOND_MS
  for (; said < due && socket.writableLength < WAITING_BYTES_MAX; said += BURST) socket.write(calls)
  setTimeout(say, EVERY_MS)
}
process.once('SIGTERM', () => {
  const seconds = (performance.now() - begunMs) / SECOND_MS
  process.stdout.write(`${Math.round(said / seconds)}\n`, () => process.exit())
})
process.stdout.write('ready\n')
say()

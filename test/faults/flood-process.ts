/** `flood-process URL PER_SECOND`: a framework that calls and calls, until it is ended. */
import { constants, setPriority } from 'node:os'
import { encode } from '../../bus/codec.ts'
import { callOf, openStranger } from '../support/stranger.ts'

const [url = '', perSecond = '0'] = process.argv.slice(2)
const FLOODER = 'flooder'
const EVERY_MS = 5
const SECOND_MS = 1_000

// It would have a machine of its own: what it takes to flood is not to be the cluster's.
setPriority(constants.priority.PRIORITY_LOW)
const stranger = await openStranger(url)
const body = { secret: 'the flood knows it', name: FLOODER }
await stranger.call(FLOODER, 'subscribe', body)
await stranger.call(FLOODER, 'suppress', {})
const subject = callOf(FLOODER, 'pong')
const payload = encode({})
let said = 0
const begunMs = performance.now()
const say = (): void => {
  const due = ((performance.now() - begunMs) * Number(perSecond)) / SECOND_MS
  for (; said < due; said++) stranger.say(subject, payload)
  setTimeout(say, EVERY_MS)
}
process.once('SIGTERM', () => {
  const seconds = (performance.now() - begunMs) / SECOND_MS
  process.stdout.write(`${Math.round(said / seconds)}\n`, () => process.exit())
})
process.stdout.write('ready\n')
say()

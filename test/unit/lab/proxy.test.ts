/** The proxy of the lab: what it lets through, and what it does to messages. */
import { once } from 'node:events'
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { FrameReader } from '../../lab/frames.ts'
import { type OpenProxy, openProxy } from '../../lab/proxy.ts'

const PUB = 'PUB a.b 5\r\nhello\r\n'
const HPUB = 'HPUB a.b inbox 12 17\r\nNATS/1.0\r\n\r\nworld\r\n'

test('frames are lines, and messages with all that belongs to them', (t) => {
  const text = `CONNECT {}\r\n${PUB}PING\r\n${HPUB}MSG x 1 0\r\n\r\n`
  const whole = new FrameReader().push(Buffer.from(text))
  t.deepEqual(
    whole.map(({ bytes, isMessage }) => [bytes.toString(), isMessage]),
    [
      ['CONNECT {}\r\n', false],
      [PUB, true],
      ['PING\r\n', false],
      [HPUB, true],
      ['MSG x 1 0\r\n\r\n', true],
    ],
  )
  const inPieces = new FrameReader()
  const bytes = [...Buffer.from(text)].flatMap((byte) => inPieces.push(Buffer.from([byte])))
  t.deepEqual(
    bytes.map((frame) => frame.bytes.toString()),
    whole.map((frame) => frame.bytes.toString()),
  )
})

interface Line {
  readonly proxy: OpenProxy
  readonly client: Socket
  readonly server: Socket
  /** What has come at the server, up to and with `end`. */
  readonly heard: (end: string) => Promise<string>
}

async function aLine(t: ExecutionContext): Promise<Line> {
  const listener: Server = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const proxy = await openProxy({ ports: [port], random: () => 0.5 })
  const accepted = once(listener, 'connection')
  const client = tcpConnect(Number(new URL(proxy.url).port), '127.0.0.1')
  // A proxy that hangs up resets it.
  client.on('error', () => undefined)
  const [server] = (await accepted) as [Socket]
  server.on('error', () => undefined)
  let said = ''
  server.on('data', (data) => {
    said += data.toString()
    server.emit('said')
  })
  t.teardown(async () => {
    client.destroy()
    await proxy.close()
    listener.close()
  })
  const heard = async (end: string): Promise<string> => {
    while (!said.endsWith(end)) await once(server, 'said')
    return said
  }
  return { proxy, client, server, heard }
}

test('what nobody touches passes as it is', async (t) => {
  const { client, heard, proxy } = await aLine(t)
  client.write(`CONNECT {}\r\n${PUB}PING\r\n`)
  t.is(await heard('PING\r\n'), `CONNECT {}\r\n${PUB}PING\r\n`)
  t.is(proxy.connections, 1)
})

test('messages are dropped as a whole, and what the connection needs passes', async (t) => {
  const { client, heard, proxy } = await aLine(t)
  proxy.set({ dropPart: 1 })
  client.write(`SUB x 1\r\n${PUB}${HPUB}PING\r\n`)
  t.is(await heard('PING\r\n'), 'SUB x 1\r\nPING\r\n')
  t.like(proxy.counts, { dropped: 2, passed: 0 })
})

test('messages come twice, the second right after the first', async (t) => {
  const { client, heard, proxy } = await aLine(t)
  proxy.set({ duplicatePart: 1 })
  client.write(`${PUB}PING\r\n`)
  t.is(await heard('PING\r\n'), `${PUB}${PUB}PING\r\n`)
})

test('what is delayed keeps its order', async (t) => {
  const { client, heard, proxy } = await aLine(t)
  proxy.set({ delayMs: 20, jitterMs: 20 })
  client.write(`${PUB}${HPUB}PING\r\n`)
  t.is(await heard('PING\r\n'), `${PUB}${HPUB}PING\r\n`)
})

test('a connection whose own words were swallowed by a cut is closed when it is healed', async (t) => {
  const { client, proxy } = await aLine(t)
  const closed = once(client, 'close')
  proxy.cut()
  client.write('PING\r\n')
  while (proxy.counts.dropped === 0) await new Promise((resolve) => setImmediate(resolve))
  t.is(proxy.connections, 1)
  proxy.heal()
  await closed
  t.is(proxy.connections, 0)
})

test('a connection that has lost only messages goes on after a cut', async (t) => {
  const { client, heard, proxy } = await aLine(t)
  proxy.cut('out')
  client.write(PUB)
  while (proxy.counts.dropped === 0) await new Promise((resolve) => setImmediate(resolve))
  proxy.heal()
  client.write('PING\r\n')
  t.is(await heard('PING\r\n'), 'PING\r\n')
})

test('a cut in the middle of a message leaves a part of it', async (t) => {
  const { client, server, proxy, heard } = await aLine(t)
  const ended = once(server, 'end')
  proxy.cutMidFrame('out')
  client.write(PUB)
  await ended
  t.is(await heard(PUB.slice(0, Math.ceil(PUB.length / 2))), 'PUB a.b 5')
})

test('a proxy that refuses closes what is there and what comes', async (t) => {
  const { client, proxy } = await aLine(t)
  const closed = once(client, 'close')
  proxy.refuse()
  await closed
  const another = tcpConnect(Number(new URL(proxy.url).port), '127.0.0.1')
  another.on('error', () => undefined)
  await once(another, 'close')
  t.is(proxy.connections, 0)
})

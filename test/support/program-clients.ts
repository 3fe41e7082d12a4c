/** Clients of real servers, as small as they can be: one question, one answer. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { systemClock } from '../../bus/clock.ts'

const ANSWER_MS_MAX = 10_000

/** Sends it and reads until `isWhole`, or the server hangs up. @throws when nobody listens. */
async function asked(
  port: number,
  question: string | Buffer,
  isWhole: (answer: string) => boolean,
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const late = systemClock.after(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer')))
  try {
    await once(socket, 'connect')
    socket.write(question)
    let answer = ''
    for await (const data of socket) {
      answer += (data as Buffer).toString('latin1')
      if (isWhole(answer)) break
    }
    return answer
  } finally {
    late.cancel()
    socket.destroy()
  }
}

/** Sets a key of memcached, and gets it. */
export async function cachedBy(port: number, value: string): Promise<string> {
  const question = `set greeting 0 60 ${value.length}\r\n${value}\r\nget greeting\r\n`
  const answer = await asked(port, question, (text) => text.includes('END\r\n'))
  return /^STORED\r\nVALUE greeting 0 \d+\r\n(.*)\r\nEND/.exec(answer)?.[1] ?? answer
}

/** Sets a key of redis, and gets it. */
export async function storedBy(port: number, value: string): Promise<string> {
  const answer = await asked(port, `SET greeting ${value}\r\nGET greeting\r\n`, (text) =>
    /^\+OK\r\n\$\d+\r\n.*\r\n$/.test(text),
  )
  return /\$\d+\r\n(.*)\r\n$/.exec(answer)?.[1] ?? answer
}

/** The body of a page. */
export async function pageOf(port: number): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX)
  return await (await fetch(`http://127.0.0.1:${port}/`, { signal })).text()
}

/** The only field of the only row, of a PostgreSQL that trusts this machine. */
export async function selectedBy(port: number, user: string, statement: string): Promise<string> {
  const start = `\0\x03\0\0user\0${user}\0database\0postgres\0\0`
  const question = Buffer.concat([
    withLength(start),
    Buffer.from('Q'),
    withLength(`${statement}\0`),
    Buffer.from('X'),
    withLength(''),
  ])
  const answer = Buffer.from(await asked(port, question, () => false), 'latin1')
  for (let at = 0; at < answer.length; at += TYPE_BYTES + answer.readUInt32BE(at + TYPE_BYTES))
    if (answer.toString('latin1', at, at + TYPE_BYTES) === 'D') return fieldAt(answer, at)
  return answer.toString('latin1')
}

/** Of a message: its type; its length; of a row how many fields, of each its length. */
const TYPE_BYTES = 1
const LENGTH_BYTES = 4
const COUNT_BYTES = 2

function fieldAt(answer: Buffer, at: number): string {
  const lengthAt = at + TYPE_BYTES + LENGTH_BYTES + COUNT_BYTES
  const from = lengthAt + LENGTH_BYTES
  return answer.toString('utf8', from, from + answer.readUInt32BE(lengthAt))
}

/** As PostgreSQL frames it: the length counts itself. */
function withLength(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length + length.length)
  return Buffer.concat([length, Buffer.from(text, 'latin1')])
}

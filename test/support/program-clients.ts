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
  const answer = await asked(port, question, () => false)
  // A row: its length, how many fields, the length of each, and the fields.
  const row = /D[\s\S]{4}\0\x01\0\0\0([\s\S])/.exec(answer)
  if (row === null) return answer
  const from = row.index + row[0].length
  return answer.slice(from, from + (row[1] ?? '').charCodeAt(0))
}

/** As PostgreSQL frames it: the length counts itself. */
function withLength(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length + length.length)
  return Buffer.concat([length, Buffer.from(text, 'latin1')])
}

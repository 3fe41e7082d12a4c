/**
 * Checks that ask over the network: this machine, or the address that a service of containers says
 * the task's has. What answers is hostile.
 */
import { request as askPlain } from 'node:http'
import { request as askSecure } from 'node:https'
import { connect } from 'node:net'
import type { CheckSeen, Endpoint, Probe } from '../containerizer/containerizer.ts'
import type { Attempt } from './attempt.ts'

/** Where tasks have networks of their own, it may be any address of this machine's. */
type Anywhere<Ends> = Omit<Ends, 'host'> & { readonly host?: string }
type Asked = Anywhere<Endpoint>
type HttpProbe = Anywhere<Extract<Probe, { http: unknown }>['http']>
type Tell = (seen: CheckSeen) => void

const LOOPBACK = '127.0.0.1'

/** Only the status is read: a redirect is an answer like any other, and no body is waited for. */
export function askHttp(
  { port, host = LOOPBACK, path = '/', scheme }: HttpProbe,
  tell: Tell,
): Attempt {
  const ask = scheme === 'https' ? askSecure : askPlain
  const request = ask({
    host,
    port,
    path,
    agent: false,
    headers: { 'user-agent': 'bourse', accept: '*/*', connection: 'close' },
    // It says how the task is, not who it is.
    rejectUnauthorized: false,
  })
  request.on('response', (response) => {
    const { statusCode = 0 } = response
    response.destroy()
    tell(statusCode < 100 ? { failed: 'it answered without a status' } : { statusCode })
  })
  request.on('error', (error) => tell({ failed: whyNot({ port, host }, error) }))
  request.on('close', () => tell({ failed: 'it closed the connection without an answer' }))
  request.end()
  return stopping(() => request.destroy())
}

export function askTcp({ port, host = LOOPBACK }: Asked, tell: Tell): Attempt {
  const socket = connect({ host, port })
  socket.on('connect', () => {
    // Where nobody listens, a connection may be given the very port that it goes to.
    const isOwn = socket.localPort === port && socket.localAddress === host
    socket.destroy()
    tell(
      isOwn ? { connected: false, why: `nobody listens on ${host}:${port}` } : { connected: true },
    )
  })
  socket.on('error', (error) => tell({ connected: false, why: whyNot({ port, host }, error) }))
  return stopping(() => socket.destroy())
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens on',
  ECONNRESET: 'the connection was reset by',
}

function whyNot({ host, port }: Asked, error: Error): string {
  const { code = '' } = error as NodeJS.ErrnoException
  const known = WORDS[code]
  return known === undefined ? `${host}:${port}: ${error.message}` : `${known} ${host}:${port}`
}

const stopping = (stop: () => void): Attempt => ({
  stop(done) {
    stop()
    done()
  },
})

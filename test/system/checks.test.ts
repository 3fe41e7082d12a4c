/** Checks of real tasks: what they ask, what answers, and that nothing of them is left. */

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer as serveHttp } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { CheckSeen, Probe } from '../../agent-runtime/containerizer/containerizer.ts'
import type { Containerizers } from '../../agent-runtime/containerizer/containerizers.ts'
import { readText } from '../../agent-runtime/isolator/proc.ts'
import {
  aContainer,
  EventLog,
  processesOf,
  type RealMachine,
  realMachine,
} from '../support/containers.ts'

interface Running {
  readonly machine: RealMachine
  readonly containers: Containerizers
  readonly log: EventLog
}

async function aRunningTask(machine: RealMachine): Promise<Running> {
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  await containers.recover()
  containers.launch(aContainer())
  await log.until('started', 'c-1')
  return { machine, containers, log }
}

/** What one run of a check sees. */
async function seenBy({ containers, log }: Running, probe: Probe, timeoutMs = 20_000) {
  const before = log.events.length
  containers.check({ containerId: 'c-1', which: 'check', probe, timeoutMs })
  await log.until('checked', 'c-1')
  const event = log.events.splice(before)[0]
  return event?.kind === 'checked' ? event.seen : undefined
}

async function listening(server: Server): Promise<{ port: number } & AsyncDisposable> {
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

test('an HTTP check tells the status, follows no redirect and waits for no body', async (t) => {
  await using machine = realMachine()
  const running = await aRunningTask(machine)
  const asked: unknown[] = []
  const server = serveHttp((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const code = Number(request.url?.slice(1))
    response.writeHead(code, { location: '/200', 'content-length': 1_000_000 })
    response.write('a body without an end')
  })
  await using web = await listening(server)
  const seen: (CheckSeen | undefined)[] = []
  for (const path of ['/200', '/302', '/503']) {
    seen.push(await seenBy(running, { http: { port: web.port, path } }))
  }
  t.deepEqual(seen, [{ statusCode: 200 }, { statusCode: 302 }, { statusCode: 503 }])
  t.deepEqual(asked, ['GET /200', 'GET /302', 'GET /503'])
})

test('an HTTP server that says nothing, nonsense or nothing at all has failed', async (t) => {
  await using machine = realMachine()
  const running = await aRunningTask(machine)
  await using silent = await listening(createServer(() => {}))
  await using rude = await listening(createServer((socket) => socket.end()))
  await using mad = await listening(createServer((socket) => socket.end('HTTP/1.1 000 \r\n\r\n')))
  await using endless = await listening(
    createServer((socket) => {
      socket.on('error', () => {})
      socket.write(`HTTP/1.1 200 OK\r\na: ${'x'.repeat(1_000_000)}`)
    }),
  )
  t.deepEqual(await seenBy(running, { http: { port: silent.port } }, 50), {
    failed: 'it took longer than 50 ms',
  })
  for (const { port } of [rude, mad, endless]) {
    const seen = await seenBy(running, { http: { port } })
    t.true(seen !== undefined && 'failed' in seen, JSON.stringify(seen))
  }
})

test('a TCP check tells whether the connection comes about', async (t) => {
  await using machine = realMachine()
  const running = await aRunningTask(machine)
  const server = await listening(createServer((socket) => socket.on('error', () => {})))
  t.deepEqual(await seenBy(running, { tcp: { port: server.port } }), { connected: true })
  await server[Symbol.asyncDispose]()
  t.deepEqual(await seenBy(running, { tcp: { port: server.port } }), {
    connected: false,
    why: `nobody listens on 127.0.0.1:${server.port}`,
  })
})

/** What checks of this machine started and what still lives of it. */
const sleepersOf = ({ workDir }: RealMachine): readonly string[] =>
  processesOf(workDir)
    .map((pid) => readText(`/proc/${pid}/cmdline`) ?? '')
    .filter((line) => line.includes('601'))

for (const isolation of [undefined, 'pid-namespace', 'session'] as const) {
  const how = isolation ?? 'the strongest isolation'

  test(`${how}: a command runs in the sandbox, with the environment of its task`, async (t) => {
    await using machine = realMachine(isolation)
    const running = await aRunningTask(machine)
    const shell = 'echo "$BOURSE_TASK_ID $HOME" >seen; echo " a\n  word " >&2; exit 3'
    const seen = await seenBy(running, { command: { shell } })
    t.deepEqual(seen, { exit: { code: 3 }, said: 'a word' })
    const path = machine.sandboxPath(aContainer())
    t.is(readFileSync(join(path, 'seen'), 'utf8'), `task-of-c-1 ${path}\n`)
    t.deepEqual(await seenBy(running, { command: { argv: ['no-such-program'] } }), {
      exit: { code: 127 },
      said: "env: 'no-such-program': No such file or directory",
    })
    t.deepEqual(
      readdirSync(join(machine.workDir, 'runtime', 'checks')),
      [],
      'nothing of it is left',
    )
  })

  test(`${how}: of a command that is late no process is left`, async (t) => {
    await using machine = realMachine(isolation)
    const running = await aRunningTask(machine)
    const shell = "trap '' TERM; sleep 601 & sleep 601"
    const seen = await seenBy(running, { command: { shell } }, 300)
    t.deepEqual(seen, { failed: 'it took longer than 300 ms' })
    t.deepEqual(sleepersOf(machine), [])
  })
}

test('what a check leaves behind is killed when it ends, wherever it went', async (t) => {
  await using machine = realMachine()
  const running = await aRunningTask(machine)
  if (running.containers.isolation !== 'cgroup') return t.pass('only a cgroup holds it')
  const shell = 'setsid sh -c "sleep 601 & sleep 601" & setsid sleep 601 & exit 0'
  t.deepEqual(await seenBy(running, { command: { shell } }), { exit: { code: 0 } })
  t.deepEqual(sleepersOf(machine), [])
})

test('a check that floods its standard error is ended, and the agent reads little of it', async (t) => {
  await using machine = realMachine()
  const running = await aRunningTask(machine)
  const seen = await seenBy(running, { command: { shell: 'exec yes >&2' } })
  t.true(seen !== undefined && 'exit' in seen)
  t.true((seen as { said: string }).said.length <= 500)
})

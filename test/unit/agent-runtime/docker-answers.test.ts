/** A container service that answers what no documentation says, or not at all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { CheckSeen } from '../../../agent-runtime/containerizer/containerizer.ts'
import { DockerApi } from '../../../agent-runtime/containerizer/docker/api.ts'
import { isProcessOf } from '../../../agent-runtime/containerizer/docker/belongs.ts'
import { beginInside } from '../../../agent-runtime/containerizer/docker/check.ts'
import { DockerContainerizer } from '../../../agent-runtime/containerizer/docker/docker.ts'
import { foundOf, listedOf } from '../../../agent-runtime/containerizer/docker/found.ts'
import { systemClock } from '../../../bus/clock.ts'
import { AN_AGENT } from '../../support/containers.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly answer: (status: number, body?: unknown) => void
  readonly response: ServerResponse
}

class Service implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'bourse-docker-answers-'))
  readonly socketPath = join(this.folder, 'socket')
  readonly #server = createServer((request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://service')
    const answer = (status: number, body: unknown = {}): void =>
      void response.writeHead(status).end(JSON.stringify(body))
    this.#handle({ method: request.method ?? '', path, query, answer, response })
  })
  readonly #handle: (asked: Asked) => void

  constructor(handle: (asked: Asked) => void) {
    this.#handle = handle
  }

  static async open(handle: (asked: Asked) => void): Promise<Service> {
    const service = new Service(handle)
    await new Promise<void>((resolve) => service.#server.listen(service.socketPath, resolve))
    return service
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.folder, { recursive: true })
  }
}

test('a list in which half is missing ends nobody, and the rest of it is read', async (t) => {
  let removed = (_path: string): void => {}
  const removal = new Promise<string>((resolve) => {
    removed = resolve
  })
  await using service = await Service.open(({ method, path, query, answer }) => {
    if (method === 'DELETE') removed(path)
    if (path !== '/containers/json') return answer(404)
    const [, owner] = /bourse\.owner=(\w+)/.exec(query.get('filters') ?? '') ?? []
    const ours = { Names: [`/bourse-${owner}-stranger`], State: 'running' }
    answer(200, [null, 7, {}, { Names: null }, { Names: [] }, { Names: [{}] }, ours])
  })
  const containerizer = new DockerContainerizer({
    workDir: join(service.folder, 'work'),
    agentId: AN_AGENT,
    socketPath: service.socketPath,
    clock: systemClock,
    onEvent: () => t.fail(),
  })
  t.deepEqual(await containerizer.recover(), [])
  t.regex(await removal, /^\/containers\/bourse-\w+-stranger$/)
  await containerizer.close()
})

test('what is of another kind than it should be counts as not told', (t) => {
  const found = (body: unknown) => foundOf({ status: 200, body })
  for (const body of [null, 7, 'running', [], { State: null }, { State: { Status: 7 } }]) {
    t.is(found(body), undefined)
    t.deepEqual(listedOf({ status: 200, body: [body] }), [])
  }
  t.is(listedOf({ status: 500, body: [] }), undefined)
  const strange = { Pid: 'x', OOMKilled: 'no', ExitCode: null, Status: 'exited' }
  const HostConfig = { Memory: '1', NetworkMode: 0, PortBindings: { '1/tcp': {}, '2/tcp': [null] } }
  const NetworkSettings = { IPAddress: null, Networks: { a: null } }
  t.like(found({ Id: 7, State: strange, HostConfig, NetworkSettings }), {
    kind: 'exited',
    code: 0,
    id: '',
    pid: 0,
    memBytes: 0,
    isOutOfMemory: false,
  })
})

/** What a check by `true` sees. */
async function checked(service: Service): Promise<CheckSeen> {
  const api = new DockerApi(service.socketPath)
  const network = () => Promise.resolve(undefined)
  const probe = { command: { argv: ['true'] } }
  const run = { containerId: 'c', which: 'check', probe, timeoutMs: 0 } as const
  return new Promise((resolve) => {
    beginInside(run, { api, clock: systemClock, name: 'c', network }, resolve)
  })
}

for (const [title, status, body, said] of [
  ['knows nothing of', 404, { message: 'no such exec' }, 'no such exec'],
  ['fails to inspect', 500, null, 'it answered 500'],
  ['says nothing about', 200, {}, 'it answered 200'],
] as const) {
  test(`a check fails whose command the service ${title}`, async (t) => {
    await using service = await Service.open(({ method, path, answer }) => {
      if (path === '/containers/c/exec') return answer(201, { Id: 'e' })
      if (method === 'POST') return answer(200)
      answer(status, body)
    })
    t.deepEqual(await checked(service), { failed: `it could not be run: ${said}` })
  })
}

const AN_ID = 'a1'.repeat(32)

test('a pid is believed if the cgroup of that process is called by the container', async (t) => {
  await using service = await Service.open(() => {})
  const proc = service.folder
  const cgroup = (pid: number, text: string): void => {
    mkdirSync(join(proc, String(pid)))
    writeFileSync(join(proc, String(pid), 'cgroup'), text)
  }
  cgroup(7, `12:pids:/libpod_parent/libpod-${AN_ID}\n1:name=systemd:/\n`)
  cgroup(8, `0::/system.slice/docker-${'b2'.repeat(32)}.scope\n`)
  cgroup(9, '0::/../../init.scope\n')
  t.true(isProcessOf(AN_ID, 7, proc))
  for (const pid of [0, 6, 8, 9]) t.false(isProcessOf(AN_ID, pid, proc))
  t.false(isProcessOf('', 9, proc))
})

test('a stranger lives whose pid the service tells as that of a check', async (t) => {
  const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  t.teardown(() => stranger.kill('SIGKILL'))
  await once(stranger, 'spawn')
  await using service = await Service.open(({ method, path, answer }) => {
    if (path === '/containers/c/exec') return answer(201, { Id: 'e' })
    if (method === 'POST') return answer(200)
    answer(200, { Running: false, ExitCode: 3, Pid: stranger.pid, ContainerID: AN_ID })
  })
  t.deepEqual(await checked(service), { exit: { code: 3 } })
  t.true(stranger.kill('SIGTERM'))
  t.deepEqual(await once(stranger, 'exit'), [null, 'SIGTERM'], 'not SIGKILL')
})

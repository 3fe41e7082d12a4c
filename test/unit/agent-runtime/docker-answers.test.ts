/** A container service that answers what no documentation says, or not at all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runTimed } from '../../../agent-runtime/checks/attempt.ts'
import type {
  CheckSeen,
  ContainerEvent,
  ContainerSpec,
  OnContainerEvent,
  Probe,
} from '../../../agent-runtime/containerizer/containerizer.ts'
import { DockerApi } from '../../../agent-runtime/containerizer/docker/api.ts'
import { isProcessOf } from '../../../agent-runtime/containerizer/docker/belongs.ts'
import { beginInside } from '../../../agent-runtime/containerizer/docker/check.ts'
import type { DockerContainerizer } from '../../../agent-runtime/containerizer/docker/docker.ts'
import { foundOf, listedOf } from '../../../agent-runtime/containerizer/docker/found.ts'
import { systemClock } from '../../../bus/clock.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { aContainer } from '../../support/containers.ts'
import { dockerAlone } from '../../support/docker-machine.ts'
import { ScriptedService } from '../../support/scripted-service.ts'

const AN_IMAGES_TASK: ContainerSpec = {
  ...aContainer(),
  container: { kind: 'docker', image: 'an-image', network: 'none' },
}

async function aContainerizer(
  t: ExecutionContext,
  { folder, socketPath }: ScriptedService,
  onEvent: OnContainerEvent,
): Promise<DockerContainerizer> {
  const workDir = join(folder, 'work')
  const containerizer = dockerAlone(t, { workDir, socketPath, clock: systemClock, onEvent })
  await containerizer.recover()
  return containerizer
}

test('a list in which half is missing ends nobody, and the rest of it is read', async (t) => {
  let removed = (_path: string): void => {}
  const removal = new Promise<string>((resolve) => {
    removed = resolve
  })
  await using service = await ScriptedService.open(({ method, path, query, answer }) => {
    if (method === 'DELETE') removed(path)
    if (path !== '/containers/json') return answer(404)
    const [, owner] = /bourse\.owner=(\w+)/.exec(query.get('filters') ?? '') ?? []
    const ours = { Names: [`/bourse-${owner}-stranger`], State: 'running' }
    answer(200, [null, 7, {}, { Names: null }, { Names: [] }, { Names: [{}] }, ours])
  })
  const containerizer = await aContainerizer(t, service, () => t.fail())
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
async function checked(service: ScriptedService): Promise<CheckSeen> {
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
    await using service = await ScriptedService.open(({ method, path, answer }) => {
      if (path === '/containers/c/exec') return answer(201, { Id: 'e' })
      if (method === 'POST') return answer(200)
      answer(status, body)
    })
    t.deepEqual(await checked(service), { failed: `it could not be run: ${said}` })
  })
}

for (const dies of ['/containers/c/exec', '/exec/e/start', '/exec/e/json']) {
  test(`a check was not made whose service dies at ${dies}`, async (t) => {
    await using service = await ScriptedService.open(({ path, answer, response }) => {
      if (path === dies) return response.destroy()
      answer(path === '/containers/c/exec' ? 201 : 200, { Id: 'e', Running: true })
    })
    const seen = await checked(service)
    t.regex('unmade' in seen ? seen.unmade : '', /^the container service at .* does not answer/)
  })
}

test('a check that its service has not begun in time was not made', async (t) => {
  await using service = await ScriptedService.open(() => {})
  const clock = new SimulatedClock()
  const network = () => new Promise<undefined>(() => {})
  const place = { api: new DockerApi(service.socketPath), clock, name: 'c', network }
  const timed = (probe: Probe) =>
    new Promise<CheckSeen>((tell) => {
      const run = { containerId: 'c', which: 'check', probe, timeoutMs: 50 } as const
      runTimed({ clock, timeoutMs: 50, begin: (seen) => beginInside(run, place, seen), tell })
    })
  const command = timed({ command: { argv: ['true'] } })
  const tcp = timed({ tcp: { port: 1 } })
  const [creation] = await service.asked(() => true)
  await clock.runUntil(50)
  const unmade = 'the container service does not say where the task listens'
  t.deepEqual(await tcp, { unmade })
  creation?.answer(201, { Id: 'e' })
  t.deepEqual(await command, { unmade: 'the container service did not begin it in time' })
})

const AN_ID = 'a1'.repeat(32)

test('a pid is believed if the cgroup of that process is called by the container', async (t) => {
  await using service = await ScriptedService.open(() => {})
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
  await using service = await ScriptedService.open(({ method, path, answer }) => {
    if (path === '/containers/c/exec') return answer(201, { Id: 'e' })
    if (method === 'POST') return answer(200)
    answer(200, { Running: false, ExitCode: 3, Pid: stranger.pid, ContainerID: AN_ID })
  })
  t.deepEqual(await checked(service), { exit: { code: 3 } })
  t.true(stranger.kill('SIGTERM'))
  t.deepEqual(await once(stranger, 'exit'), [null, 'SIGTERM'], 'not SIGKILL')
})

test('a start that is not answered has failed only when nothing is left to be started', async (t) => {
  let name = ''
  let canRemove = false
  await using service = await ScriptedService.open(({ method, path, query, answer, response }) => {
    if (path === '/events') return response.writeHead(200).flushHeaders()
    if (path === '/containers/create') {
      name = query.get('name') ?? ''
      return answer(201)
    }
    if (path.endsWith('/start')) return void response.destroy()
    if (method === 'DELETE') return answer(canRemove ? 204 : 500)
    answer(200, path === '/containers/json' ? [] : { State: { Status: 'created' } })
  })
  const events: ContainerEvent[] = []
  let heard = (): void => {}
  const failed = new Promise<void>((resolve) => {
    heard = resolve
  })
  const containerizer = await aContainerizer(t, service, (event) => {
    events.push(event)
    heard()
  })
  containerizer.launch(AN_IMAGES_TASK)
  const [removal] = await service.asked(({ method }) => method === 'DELETE')
  t.false(removal?.query.has('force'), 'one that runs by now is left alone')
  t.deepEqual(events, [])
  canRemove = true
  const [stream] = await service.asked(({ path }) => path === '/events')
  stream?.response.write(`${JSON.stringify({ Actor: { Attributes: { name } } })}\n`)
  await failed
  t.like(events, [{ kind: 'launch-failed' }])
  await containerizer.close()
})

test('a start that comes late is told as a start', async (t) => {
  let Status = 'created'
  await using service = await ScriptedService.open(({ method, path, answer, response }) => {
    if (path === '/events') return response.writeHead(200).flushHeaders()
    if (path.endsWith('/create')) return answer(201)
    if (path.endsWith('/start')) return void response.destroy()
    if (path.endsWith('/logs')) return response.writeHead(200).flushHeaders()
    if (method !== 'DELETE')
      return answer(200, path === '/containers/json' ? [] : { State: { Status } })
    Status = 'running'
    answer(409)
  })
  let heard = (_event: ContainerEvent): void => {}
  const first = new Promise<ContainerEvent>((resolve) => {
    heard = resolve
  })
  const containerizer = await aContainerizer(t, service, (event) => heard(event))
  containerizer.launch(AN_IMAGES_TASK)
  const [creation] = await service.asked(({ path }) => path === '/containers/create')
  const [stream] = await service.asked(({ path }) => path === '/events')
  await service.asked(({ method }) => method === 'DELETE')
  const name = creation?.query.get('name')
  stream?.response.write(`${JSON.stringify({ Actor: { Attributes: { name } } })}\n`)
  t.is((await first).kind, 'started')
  await containerizer.close()
})

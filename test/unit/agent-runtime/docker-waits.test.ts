/** How long a container service is waited for, with time-outs that end when a test says so. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DockerApi, SOON_MS_MAX } from '../../../agent-runtime/containerizer/docker/api.ts'
import { Notes } from '../../../agent-runtime/containerizer/docker/notes.ts'
import { findService } from '../../../agent-runtime/containerizer/docker/service.ts'
import { type Clock, systemClock } from '../../../bus/clock.ts'
import { aContainer, aSandbox } from '../../support/containers.ts'
import { dockerAlone } from '../../support/docker-machine.ts'
import { type Asked, ScriptedService } from '../../support/scripted-service.ts'

interface Wait {
  readonly delayMs: number
  readonly end: () => void
}

/** Every time-out of a call from now on. */
function timeouts(): { readonly begun: readonly Wait[] } & Disposable {
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  const begun: Wait[] = []
  AbortSignal.timeout = (delayMs) => {
    const controller = new AbortController()
    begun.push({ delayMs, end: () => controller.abort() })
    return controller.signal
  }
  return {
    begun,
    [Symbol.dispose]() {
      AbortSignal.timeout = timeout
    },
  }
}

test.serial('the time of a call begins when it is sent, not when it has to wait', async (t) => {
  using waits = timeouts()
  await using service = await ScriptedService.open(() => {})
  const api = new DockerApi(service.socketPath)
  const call = (path: string) => api.call({ method: 'POST', path, heavy: true })
  const answered = ['/1', '/2', '/3', '/4'].map(call)
  const last = call('/5')
  const sent = await service.asked(() => true, 4)
  t.is(waits.begun.length, 4)
  for (const { answer } of sent) answer(204)
  await Promise.all(answered)
  await service.asked(({ path }) => path === '/5')
  t.is(waits.begun.length, 5)
  waits.begun[4]?.end()
  const error = await t.throwsAsync(last)
  t.regex(error.message, /does not answer \(within 60000 ms\)/)
})

test.serial('services that hang are asked at once, and not waited for long', async (t) => {
  using waits = timeouts()
  await using one = await ScriptedService.open(() => {})
  await using other = await ScriptedService.open(() => {})
  symlinkSync(other.socketPath, join(other.folder, 'docker.sock'))
  const { DOCKER_HOST, XDG_RUNTIME_DIR } = process.env
  Object.assign(process.env, {
    DOCKER_HOST: `unix://${one.socketPath}`,
    XDG_RUNTIME_DIR: other.folder,
  })
  const finding = findService(one.folder)
  for (const [name, value] of Object.entries({ DOCKER_HOST, XDG_RUNTIME_DIR })) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  await one.asked(({ path }) => path === '/_ping')
  await other.asked(({ path }) => path === '/_ping')
  t.true(waits.begun.every(({ delayMs }) => delayMs === SOON_MS_MAX))
  for (const { end } of waits.begun) end()
  await finding
})

/** With the clock's own waits in `later`. */
function aContainerizer(t: ExecutionContext, { folder, socketPath }: ScriptedService) {
  const workDir = join(folder, 'work')
  const later: Wait[] = []
  const clock: Clock = {
    ...systemClock,
    after(delayMs, end) {
      later.push({ delayMs, end })
      return { cancel() {} }
    },
  }
  const onEvent = (): void => {}
  const containerizer = dockerAlone(t, { workDir, socketPath, clock, onEvent })
  return { containerizer, later, notes: new Notes(join(workDir, 'docker')) }
}

test.serial('a service that hangs holds up neither a start of the agent nor its end', async (t) => {
  using waits = timeouts()
  await using service = await ScriptedService.open(() => {})
  const { containerizer, later, notes } = aContainerizer(t, service)
  for (const id of ['c-1', 'c-2']) {
    notes.open(id, { sandbox: aSandbox(id) })
    notes.add(id, 'started')
  }
  const recovery = containerizer.recover()
  await service.asked(({ path }) => path.endsWith('/json'))
  t.deepEqual(
    waits.begun.map(({ delayMs }) => delayMs),
    [SOON_MS_MAX],
    'it is asked for one only',
  )
  waits.begun[0]?.end()
  t.like(await recovery, [{ state: { kind: 'running' } }, { state: { kind: 'running' } }])
  const container = { kind: 'docker', image: 'an-image', network: 'none' } as const
  containerizer.launch({ ...aContainer({ containerId: 'c-3' }), container })
  await service.asked(({ path }) => path === '/_ping')
  const closing = containerizer.close()
  later.findLast(({ delayMs }) => delayMs === SOON_MS_MAX)?.end()
  await closing
  t.is(notes.all().get('c-3')?.state, 'never', 'whatever comes of it is removed')
})

test.serial('a service that hangs is not asked twice at once for the same', async (t) => {
  using waits = timeouts()
  await using service = await ScriptedService.open(({ path, answer }) => {
    if (path === '/heard') answer(204)
  })
  const { containerizer, later, notes } = aContainerizer(t, service)
  notes.open('c-1', { sandbox: aSandbox('c-1') })
  notes.add('c-1', 'started')
  const recovery = containerizer.recover()
  await service.asked(isLook)
  waits.begun[0]?.end()
  await recovery
  /** All that was asked before has been heard when this is answered. */
  const heard = () => new DockerApi(service.socketPath).call({ method: 'GET', path: '/heard' })
  for (const which of ['check', 'health-check'] as const)
    containerizer.check({ containerId: 'c-1', which, probe: { tcp: { port: 1 } }, timeoutMs: 0 })
  await service.asked(isLook, 2)
  containerizer.kill('c-1', 0)
  for (const delayMs of [50, 100, 200, 400, 800, 1600]) {
    later.findLast((wait) => wait.delayMs === delayMs)?.end()
    await heard()
  }
  t.is((await service.asked(isLook)).length, 2)
  const [kill, ...more] = await service.asked(isKill)
  t.deepEqual(more, [])
  kill?.answer(500)
  let isAgain = false
  void service.asked(isKill, 2).then(() => {
    isAgain = true
  })
  while (!isAgain) {
    later.findLast(({ delayMs }) => delayMs === 2000)?.end()
    await heard()
  }
  const closing = containerizer.close()
  later.findLast(({ delayMs }) => delayMs === SOON_MS_MAX)?.end()
  await closing
})

test.serial('a container that could not be removed is known to the next agent', async (t) => {
  await using service = await ScriptedService.open(({ response }) => void response.destroy())
  const { containerizer, later, notes } = aContainerizer(t, service)
  notes.open('c-1', { sandbox: aSandbox('c-1') })
  notes.add('c-1', 'started')
  await containerizer.recover()
  const destroyed = containerizer.destroy('c-1')
  await service.asked(({ method }) => method === 'DELETE')
  await containerizer.close()
  let isOver = false
  void destroyed.then(() => {
    isOver = true
  })
  while (!isOver) {
    for (const { end } of later) end()
    await new Promise<void>((resolve) => systemClock.soon(resolve))
  }
  t.is(notes.all().get('c-1')?.state, 'started')
})

const isLook = ({ path }: Asked): boolean => path.endsWith('-c-1/json')
const isKill = ({ path }: Asked): boolean => path.endsWith('/kill')

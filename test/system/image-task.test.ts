/** Tasks in images on a cluster of real processes: published, checked, killed, recovered. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import {
  type Offered,
  openScheduler,
  type Scheduler,
  type TaskStatus,
  type TaskWish,
} from '../../actors/scheduler/scheduler.ts'
import { sleep } from '../../bus/clock.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { type Actor, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { AN_IMAGE, ContainerService, containerServiceNeed } from '../support/container-service.ts'
import { freePorts } from '../support/free-ports.ts'
import { needs } from '../support/needs.ts'

const test = ava.serial
const need = containerServiceNeed()
const LOOK_MS = 50

let service: ContainerService
let cluster: Cluster
let agent: Actor
let scheduler: Scheduler
let offers: AsyncIterator<Offered>
let statuses: AsyncIterator<TaskStatus>

test.before(async () => {
  if (!need.found) return
  service = await ContainerService.open()
  cluster = await openCluster()
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  const where = [
    '--work-dir',
    join(cluster.folder, 'a1'),
    '--container-service',
    service.socketPath,
  ]
  const ports = (await freePorts(4)).map((port) => `${port}-${port}`)
  const resources = `cpus:4;mem:1024;ports:[${ports.join(',')}]`
  agent = await cluster.start('agent', '--id', 'a1', ...where, '--resources', resources)
  scheduler = await openScheduler({ name: 'images', nats: cluster.server.url })
  offers = scheduler.offers()[Symbol.asyncIterator]()
  statuses = scheduler.statuses()[Symbol.asyncIterator]()
})

test.after.always(async () => {
  await scheduler?.close()
  await cluster?.close()
  await service?.[Symbol.asyncDispose]()
})

const bourse = (...args: string[]) => runBourse(cluster.env, ...args)

async function anOffer(): Promise<Offered> {
  for (;;) {
    const { value, done } = await offers.next()
    if (done) throw new Error('no more offers')
    if (value.isLive) return value
  }
}

/** Takes statuses until one is as wanted. */
async function until(isWanted: (status: TaskStatus) => boolean): Promise<TaskStatus> {
  for (;;) {
    const { value, done } = await statuses.next()
    if (done) throw new Error('no more statuses')
    if (isWanted(value)) return value
  }
}

async function nothingLeft(t: ExecutionContext): Promise<void> {
  // Its end is told before what is left of it is removed.
  while ((await service.containers()).length > 0) await sleep(LOOK_MS)
  t.deepEqual(await service.containers(), [], 'left behind: 0')
}

test('a published task is checked, outlives its agent, and is killed when it is not well', async (t) => {
  if (!needs(t, need)) return
  const www = join(cluster.folder, 'www')
  mkdirSync(www)
  writeFileSync(join(www, 'word'), 'hello from a volume')
  const offer = await anOffer()
  t.regex(String(offer.attribute('containerizers')), /^process,(?:oci,)?docker$/)
  t.regex(String(offer.attribute('images')), /^Libpod\/4/)
  const [[hostPort] = [0]] = offer.ports
  const task: TaskWish = {
    taskId: 'web',
    command: 'echo ready; exec httpd -f -p 80 -h /www',
    resources: [
      { name: 'cpus', scalar: 0.1 },
      { name: 'mem', scalar: 64 },
      { name: 'ports', ranges: [[hostPort, hostPort]] },
    ],
    container: {
      kind: 'docker',
      image: AN_IMAGE,
      network: 'bridge',
      portMappings: [{ hostPort, containerPort: 80 }],
      volumes: [{ hostPath: www, containerPath: '/www', readOnly: true }],
    },
    healthCheck: {
      http: { port: hostPort, path: '/word' },
      delayMs: 0,
      intervalMs: 1_000,
      graceMs: 60_000,
      consecutiveFailures: 1,
    },
  }
  await offer.accept([task])
  const up = await until(
    ({ state, healthy }) => isTerminal(state) || (state === 'TASK_RUNNING' && healthy === true),
  )
  t.is(up.state, 'TASK_RUNNING', up.message)
  const url = `http://127.0.0.1:${hostPort}/word`
  t.is(await (await fetch(url)).text(), 'hello from a volume')

  await agent.end('SIGKILL')
  t.is((await fetch(url)).status, 200, 'it goes on without its agent')
  await agent.start()
  t.is((await fetch(url)).status, 200)
  // On a busy machine a leader may just be looked for.
  let logs = await bourse('logs', 'web')
  while (logs.code !== 0) logs = await bourse('logs', 'web')
  t.is(logs.stdout, 'ready\n')

  rmSync(join(www, 'word'))
  const end = await until(({ state }) => isTerminal(state))
  t.like(end, { state: 'TASK_KILLED', reason: 'UNHEALTHY', healthy: false })
  await nothingLeft(t)
})

test('who ignores SIGTERM is killed after its grace, and bad wishes end alone', async (t) => {
  if (!needs(t, need)) return
  const offer = await anOffer()
  const a = (taskId: string, more: Partial<TaskWish> = {}): TaskWish => ({
    taskId,
    command: 'sleep 600',
    resources: { cpus: 0.1, mem: 64 },
    container: { kind: 'docker', image: AN_IMAGE, network: 'none' },
    ...more,
  })
  const volume = (hostPath: string): Partial<TaskWish> => ({
    container: {
      kind: 'docker',
      image: AN_IMAGE,
      volumes: [{ hostPath, containerPath: '/x' }],
    },
  })
  const wishes = [
    a('stubborn', {
      command: "trap '' TERM; echo ready; while :; do sleep 0.2; done",
      killGraceMs: 300,
    }),
    a('no-image', { container: { kind: 'docker', image: 'localhost/nobodys' } }),
    a('no-user', { user: 'fred' }),
    a('no-volume', volume('/nowhere/at/all')),
    a('dots', volume('/tmp/../etc')),
    a('port', {
      container: {
        kind: 'docker',
        image: AN_IMAGE,
        network: 'bridge',
        portMappings: [{ hostPort: 22, containerPort: 80 }],
      },
    }),
  ]
  await offer.accept(wishes)
  const ends = new Map<string, TaskStatus>()
  await until((status) => {
    if (status.taskId === 'stubborn' && status.state === 'TASK_RUNNING') void kill()
    if (isTerminal(status.state)) ends.set(status.taskId, status)
    return ends.size === wishes.length
  })
  async function kill(): Promise<void> {
    while (!(await bourse('logs', 'stubborn')).stdout.startsWith('ready')) await sleep(LOOK_MS)
    scheduler.kill('stubborn')
  }
  t.like(ends.get('stubborn'), { state: 'TASK_KILLED', exit: { signal: 9 } })
  for (const [taskId, state, reason, message] of [
    ['no-image', 'TASK_FAILED', 'LAUNCH_FAILED', /nobodys/],
    ['no-user', 'TASK_FAILED', 'LAUNCH_FAILED', /fred/],
    ['no-volume', 'TASK_FAILED', 'LAUNCH_FAILED', /\/nowhere\/at\/all, a volume, is not/],
    ['dots', 'TASK_ERROR', 'TASK_INVALID', /absolute path without "\.\."/],
    ['port', 'TASK_ERROR', 'TASK_INVALID', /port 22 is none of those that it was given/],
  ] as const) {
    t.like(ends.get(taskId), { state, reason })
    t.regex(ends.get(taskId)?.message ?? '', message)
  }
  await nothingLeft(t)
})

test('`bourse run` publishes, mounts and tells what it lacks', async (t) => {
  if (!needs(t, need)) return
  // What it holds of the agent's offers is for others.
  await scheduler.teardown()
  const run = (...args: string[]) => bourse('run', ...args)
  const given = join(cluster.folder, 'given')
  writeFileSync(given, 'given\n')
  const volume = ['--volume', `${given}:/given:ro`]
  const seen = await run('--image', AN_IMAGE, ...volume, '--', 'cat', '/given')
  t.deepEqual([seen.code, seen.stdout], [0, 'given\n'], seen.stderr)
  const script = 'nc -l -p 80 <&- & sleep 0.2; netstat -tln | grep -c :80'
  const published = await run('--image', AN_IMAGE, '--publish', '80', '--', 'sh', '-c', script)
  t.is(published.code, 0, published.stderr)
  for (const [args, sentence] of [
    [
      ['--volume', '/a:/b', '--', 'true'],
      /--volume is for images and roots: add --image or --root/,
    ],
    [['--image', AN_IMAGE, '--volume', 'a:/b', '--', 'true'], /absolute path without ".."/],
    [['--image', '--privileged', '--', 'true'], /is no name of an image/],
    [['--image', AN_IMAGE, '--network', 'none', '--publish', '80', '--', 'true'], /are mapped in/],
  ] as const) {
    const { code, stderr } = await run(...args)
    t.is(code, 64)
    t.regex(stderr, sentence)
  }
  await nothingLeft(t)
})

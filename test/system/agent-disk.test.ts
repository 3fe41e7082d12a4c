/** An agent whose disk is full, or holds a checkpoint that nobody can trust. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { TaskItem } from '../../protocol/schema/operator.ts'
import { disksNeed, mountSmallDisk } from '../lab/small-disk.ts'
import { type Actor, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { needs } from '../support/needs.ts'
import { untilListed } from '../support/until-listed.ts'

async function aCluster(t: ExecutionContext): Promise<Cluster> {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.start('master', '--work-dir', join(cluster.folder, 'm'))
  await cluster.start('allocator')
  return cluster
}

const startAgent = (cluster: Cluster, workDir: string): Promise<Actor> =>
  cluster.start('agent', '--id', 'a1', '--work-dir', workDir)

async function tasksOf(cluster: Cluster): Promise<readonly TaskItem[]> {
  return JSON.parse((await runBourse(cluster.env, 'tasks', '--json')).stdout)
}

test('on a full disk an agent lives and its task runs on; with room again it goes on by itself', async (t) => {
  const cluster = await aCluster(t)
  const { env } = cluster
  if (!needs(t, disksNeed())) return
  const disk = mountSmallDisk(join(cluster.folder, 'disk'), 8)
  t.teardown(() => disk.unmount())
  const agent = await startAgent(cluster, disk.folder)
  const long = runBourse(
    env,
    'run',
    '--name',
    'long',
    '--',
    'sh',
    '-c',
    'until [ -e go ]; do sleep 0.1; done; exit 3',
  )
  const longState = async () => (await tasksOf(cluster)).find(({ name }) => name === 'long')?.state
  await untilListed(env, 'tasks', (all) =>
    all.some(({ name, state }) => name === 'long' && state === 'TASK_RUNNING'),
  )
  disk.fill()
  const many = await runBourse(env, 'run', '--instances', '40', '--timeout', '5s', '--', 'true')
  t.not(many.code, 0, 'nothing of it is offered, or what was is refused')
  const isTold = () => agent.lines.some(({ message }) => /^cannot write .*ENOSPC/.test(message))
  await untilListed(env, 'agents', isTold)
  t.true(agent.isRunning)
  t.is(await longState(), 'TASK_RUNNING')
  disk.free()
  await agent.says('the checkpoint can be written again')
  t.like(await runBourse(env, 'run', '--', 'echo', 'hi'), { code: 0, stdout: 'hi\n' })
  const found = (await tasksOf(cluster)).find(({ name }) => name === 'long')
  const sandbox = execFileSync('find', [
    disk.folder,
    '-path',
    `*/${found?.taskId}/*`,
    '-name',
    'stdout',
  ])
  writeFileSync(join(sandbox.toString().trim(), '..', 'go'), '')
  const { code, stderr } = await long
  t.is(code, 1)
  t.regex(stderr, /exited with status 3/)
  t.is(agent.lines.filter(({ level }) => level === 'warn').length, 1, 'it is told once')
})

const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'a flipped byte in the middle': (bytes) => {
    const at = 40
    bytes.writeUInt8((bytes[at] ?? 0) ^ 0x40, at)
    return bytes
  },
  'a piece that is missing in the middle': (bytes) =>
    Buffer.concat([bytes.subarray(0, 30), bytes.subarray(50)]),
  'another beginning': (bytes) => Buffer.concat([Buffer.from('GARBAGE!'), bytes.subarray(8)]),
  'a newer version': (bytes) => {
    bytes.writeUInt32LE(99, 8)
    return bytes
  },
  'no beginning': () => Buffer.alloc(0),
}

test('a damaged checkpoint is refused with what to do, and nothing of it is lost', async (t) => {
  const cluster = await aCluster(t)
  const workDir = join(cluster.folder, 'agent')
  const agent = await startAgent(cluster, workDir)
  t.like(await runBourse(cluster.env, 'run', '--', 'true'), { code: 0 })
  await agent.end('SIGTERM')
  const path = join(workDir, 'checkpoint')
  const whole = readFileSync(path)
  for (const [what, damage] of Object.entries(DAMAGES)) {
    const damaged = damage(Buffer.from(whole))
    writeFileSync(path, damaged)
    const { code, stderr } = await runBourse(cluster.env, 'agent', '--work-dir', workDir)
    t.is(code, 78, what)
    t.regex(stderr, /checkpoint .*: restore it from a copy, or move it away/, what)
    t.deepEqual(readFileSync(path), damaged, `${what}: it is left as it was`)
  }
  writeFileSync(path, Buffer.concat([whole, Buffer.from('torn')]))
  await agent.start()
  t.true(agent.isRunning, 'what a crash tore off is no damage')
})

test('a second agent on the same work directory is refused by name', async (t) => {
  const cluster = await aCluster(t)
  const workDir = join(cluster.folder, 'agent')
  const agent = await startAgent(cluster, workDir)
  const { code, stderr } = await runBourse(cluster.env, 'agent', '--work-dir', workDir)
  t.is(code, 78)
  t.true(stderr.includes(`is in use by the agent with pid ${agent.pid}`), stderr)
  t.like(await runBourse(cluster.env, 'run', '--', 'true'), { code: 0 }, 'the first one runs on')
})

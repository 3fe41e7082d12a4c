/** Weights and quotas by command, over real processes: set, seen, kept, and obeyed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import ava, { type ExecutionContext } from 'ava'
import type { Item, ListingVerb } from '../../cli/operator-client.ts'
import type { RoleItem, TaskItem } from '../../protocol/schema/operator.ts'
import { type Actor, BOURSE, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { untilListed } from '../support/until-listed.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial

let cluster: Cluster
let master: Actor
const bourse = (...args: string[]) => runBourse(cluster.env, ...args)

test.before(async () => {
  cluster = await openCluster()
  master = await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  await cluster.start('agent', '--id', 'a1', '--resources', 'cpus:4;mem:1024')
  await until('agents', (all) => all.some(({ state }) => state === 'registered'))
})
test.after.always(() => cluster.close())

async function items<Item>(verb: string): Promise<readonly Item[]> {
  const { code, stdout } = await bourse(verb, '--json')
  return code === 0 ? JSON.parse(stdout) : []
}

/** Asks until it is so. */
const until = <V extends ListingVerb>(
  verb: V,
  isSo: (all: readonly Item<V>[]) => boolean,
): Promise<void> => untilListed(cluster.env, verb, isSo)

/** `bourse run` of tasks of one cpu that go on until it is ended. */
function startRun(t: ExecutionContext, role: string, instances: number): ChildProcess {
  const about = ['--name', role, '--role', role, '--cpus', '1', '--instances', String(instances)]
  const child = spawn(process.execPath, [BOURSE, 'run', ...about, '--', 'sleep', '1000'], {
    env: cluster.env,
    stdio: 'ignore',
  })
  t.teardown(() => end(child, role))
  return child
}

/** With its tasks. */
async function end(child: ChildProcess, role: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
  await until('tasks', (all) => !all.some((task) => task.role === role && isAlive(task)))
}

const isAlive = ({ state }: TaskItem): boolean =>
  ['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'].includes(state)

const running = (all: readonly TaskItem[], role: string): number =>
  all.filter((task) => task.role === role && task.state === 'TASK_RUNNING').length

test('what is set by command is seen, and refused with a sentence that says the number', async (t) => {
  const limit = ['--guarantee', 'cpus:1;mem:64', '--limit', 'cpus:2.5']
  t.deepEqual(await bourse('quota', 'set', 'prod', ...limit), {
    code: 0,
    stdout: 'prod: guaranteed cpus:1;mem:64, limit cpus:2.5\n',
    stderr: '',
  })
  t.like(await bourse('weights', 'prod=3', 'prod/web=0.5'), {
    code: 0,
    stdout: 'prod: weight 3\nprod/web: weight 0.5\n',
  })
  t.deepEqual(await bourse('quota', 'set', 'batch', '--guarantee', 'cpus:3.5'), {
    code: 1,
    stdout: '',
    stderr:
      'bourse: guarantees of all roles would come to cpus 4.5, and all agents together have cpus 4 unreserved; --force sets them all the same\n',
  })
  const { stdout } = await bourse('roles')
  const [titles, ...rows] = stdout.trimEnd().split('\n')
  t.regex(titles ?? '', /^ROLE +WEIGHT +FRAMEWORKS +USED +OFFERED +GUARANTEE +LIMIT$/)
  t.deepEqual(
    rows.map((row) => row.split(/\s+/)),
    [
      ['prod', '3', '0', 'cpus:1;mem:64', 'cpus:2.5'],
      ['prod/web', '0.5', '0'],
    ],
  )
  const quotas = JSON.parse((await bourse('quota', 'get', '--json')).stdout)
  t.like(quotas, [{ role: 'prod', guarantee: { cpus: 1, mem: 64 }, limit: { cpus: 2.5 } }])
  const events = (await bourse('events', 'role', '--json')).stdout.trim().split('\n')
  const set = events.map((line) => JSON.parse(line))
  t.like(set, [
    { what: 'quota-set', role: 'prod', principal: 'local', guarantee: { cpus: 1 } },
    { what: 'weight-set', role: 'prod', weight: 3 },
    { what: 'weight-set', role: 'prod/web', weight: 0.5 },
  ])
})

test('what is set in vain, or is not there, is said', async (t) => {
  t.deepEqual(await bourse('quota', 'set', 'vain', '--limit', 'cpu:1;cpus:9'), {
    code: 0,
    stdout: 'vain: nothing guaranteed, limit cpu:1;cpus:9\n',
    stderr: 'bourse: no agent has `cpu`: the limit holds nothing back\n',
  })
  t.deepEqual(await bourse('quota', 'remove', 'vain', 'nope'), {
    code: 0,
    stdout: 'vain: nothing guaranteed, no limit\n',
    stderr: 'bourse: nope had no quota\n',
  })
  t.like(await bourse('quota', 'get', 'nope'), { code: 0, stderr: 'bourse: nope has no quota\n' })
  t.regex((await bourse('events', 'role')).stdout, /has no quota any more: local has removed it/)
})

test('what is wrong by itself is wrong use, in the words of its author', async (t) => {
  const wrong: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [['quota', 'set', 'batch/x', '--limit', 'cpus:1'], /^bourse: batch\/x is below batch, /],
    [['quota', 'remove', 'batch/x'], /^bourse: batch\/x is below batch, /],
    [['quota', 'set', 'x', '--guarantee', 'cpus:2', '--limit', 'cpus:1'], /^bourse: x would be /],
    [['weights', 'prod=2', 'prod=3'], /^bourse: prod stands there twice/],
    [['weights', 'prod=2', 'a=b=2'], /"a=b=2" is not ROLE=WEIGHT/],
    [['weights', 'x=2', 'prod=1e3'], /"prod=1e3": the weight is not a number from .* like 1000 /],
  ]
  for (const [args, said] of wrong) {
    const { code, stderr } = await bourse(...args)
    t.is(code, 64, args.join(' '))
    t.regex(stderr, said)
  }
})

test('it is there under the next leader, when this one is killed', async (t) => {
  const before = await items<RoleItem>('roles')
  await master.end('SIGKILL')
  master = await cluster.start('master', '--id', 'm2')
  await until('roles', (all) => all.length > 0)
  t.deepEqual(await items<RoleItem>('roles'), before)
  t.is((await bourse('quota', 'remove', 'prod')).code, 0)
  t.is((await bourse('weights', 'prod=1', 'prod/web=1')).code, 0)
  t.deepEqual(await items<RoleItem>('roles'), [])
})

test('a role has no more than its limit while others have what is left', async (t) => {
  t.is((await bourse('quota', 'set', 'batch', '--limit', 'cpus:2')).code, 0)
  startRun(t, 'batch', 4)
  await until('tasks', (all) => running(all, 'batch') === 2)
  const other = startRun(t, 'other', 2)
  await until('tasks', (all) => running(all, 'other') === 2)
  t.is(running(await items<TaskItem>('tasks'), 'batch'), 2)
  t.like(
    (await items<RoleItem>('roles')).find(({ role }) => role === 'batch'),
    { frameworks: 1, used: { cpus: 2 }, limit: { cpus: 2 } },
  )
  t.regex(
    (await bourse('quota', 'set', 'batch', '--limit', 'cpus:1')).stderr,
    /^bourse: tasks of batch have cpus 2, more than cpus 1; --force /,
  )
  other.kill('SIGTERM')
  t.is((await bourse('quota', 'set', 'batch', '--limit', 'cpus:3')).code, 0)
  await until('tasks', (all) => running(all, 'batch') === 3)
  t.is((await bourse('quota', 'remove', 'batch')).code, 0)
  await until('tasks', (all) => running(all, 'batch') === 4)
})

test('what a role is guaranteed is kept free for it, however much others want', async (t) => {
  t.is((await bourse('quota', 'set', 'prod', '--guarantee', 'cpus:2')).code, 0)
  startRun(t, 'batch', 4)
  await until('tasks', (all) => running(all, 'batch') === 2)
  startRun(t, 'prod', 2)
  await until('tasks', (all) => running(all, 'prod') === 2)
  t.is(running(await items<TaskItem>('tasks'), 'batch'), 2)
  t.is((await bourse('quota', 'remove', 'prod')).code, 0)
})

/** `runCommand` on a whole cluster: the real actors, a simulated bus, tasks that only pretend. */
import test, { type ExecutionContext } from 'ava'
import { ClusterError, openScheduler } from '../../../../actors/scheduler/scheduler.ts'
import { type Constraint, parseConstraint } from '../../../../frameworks/run/constraints.ts'
import { exitCodeOf, type InstanceView } from '../../../../frameworks/run/result.ts'
import type { MissingOutput, RunOptions } from '../../../../frameworks/run/run.ts'
import { CPUS, SimulatedActors } from '../../../../testing/simulated-actors.ts'
import { SimulatedCluster } from '../../../../testing/testing.ts'
import { simulatedRun } from '../../../support/simulated-run.ts'

class Watch {
  readonly outputs = new Map<string, string>()
  readonly states: string[] = []
  why = ''
  onChanged: (instance: InstanceView) => void = () => undefined
  cluster: (state: 'away' | 'back', forMs: number) => void = () => undefined
  restarting: (failed: InstanceView, delayMs: number) => void = () => undefined
  unheard = (): void => undefined

  changed(instance: InstanceView): void {
    this.states.push(instance.state)
    this.onChanged(instance)
  }
  waiting(why: string): void {
    this.why = why
  }
  output({ index }: InstanceView, stream: string, data: Uint8Array): void {
    const key = `${index} ${stream}`
    const text = new TextDecoder().decode(data)
    this.outputs.set(key, (this.outputs.get(key) ?? '') + text)
  }
  outputMissing({ instance, stream, why }: MissingOutput): void {
    this.outputs.set(`${instance.index} ${stream}`, why)
  }
}

async function run(
  cluster: Pick<SimulatedActors, 'world' | 'until'>,
  options: Partial<RunOptions>,
  watch = new Watch(),
) {
  const { world } = cluster
  const result = await cluster.until(simulatedRun({ world, ...options }, watch))
  return { result, watch }
}

const allFinished = (t: ExecutionContext, instances: readonly InstanceView[]): void => {
  t.deepEqual([...new Set(instances.map(({ state }) => state))], ['TASK_FINISHED'])
}

test('twenty instances on three agents finish, and each one is read', async (t) => {
  const cluster = await SimulatedActors.open(3)
  const env = { PRETEND_MS: '1000', PRETEND_OUTPUT: 'hello\n' }
  const { result, watch } = await run(cluster, { instances: 20, env })
  t.is(result.instances.length, 20)
  allFinished(t, result.instances)
  t.is(exitCodeOf(result), 0)
  for (let i = 0; i < 20; i++) t.is(watch.outputs.get(`${i} stdout`), 'hello\n')
})

test('agents that a constraint leaves out are not offered, and yet it is told what they are', async (t) => {
  const cluster = await SimulatedActors.open(0)
  for (const rack of ['r1', 'r2'])
    await cluster.until(
      cluster.startAgents({ name: rack, attributes: [{ name: 'rack', text: rack }] }),
    )
  const constrained = (text: string) => ({ constraints: [parseConstraint(text) as Constraint] })
  const there = await run(cluster, { ...constrained('rack=r2'), instances: 3 })
  t.deepEqual([...new Set(there.result.instances.map(({ agentId }) => agentId))], ['r2-1' as never])
  const nowhere = await run(cluster, { ...constrained('rack=r9'), timeoutMs: 1_000 })
  t.deepEqual(nowhere.result.couldNotPlace, [
    '1 instance of 1 could not be placed within 1 s',
    'no agent fits rack=r9: where there are offers, rack is r1, r2',
  ])
})

test('who wants GPUs is offered agents that have some, who does not is not', async (t) => {
  const cluster = await SimulatedActors.open(0)
  const resources = [
    { name: 'cpus', scalar: 4 },
    { name: 'mem', scalar: 1024 },
    { name: 'gpus', scalar: 2 },
  ]
  await cluster.until(cluster.startAgents({ name: 'gpu', resources }))
  const { result } = await run(cluster, { gpus: 1, instances: 2 })
  allFinished(t, result.instances)
  const without = await run(cluster, { timeoutMs: 1_000 })
  t.is(exitCodeOf(without.result), 2)
})

test('a command that fails is TASK_FAILED with its status', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const { result } = await run(cluster, { env: { PRETEND_EXIT: '3' } })
  t.like(result.instances[0], { state: 'TASK_FAILED', exit: { code: 3 } })
  t.is(exitCodeOf(result), 1)
})

test('what fits nowhere: why, in time', async (t) => {
  const cluster = await SimulatedActors.open(2)
  const { result, watch } = await run(cluster, { cpus: 1000, timeoutMs: 5_000 })
  t.deepEqual(result.couldNotPlace, [
    '1 instance of 1 could not be placed within 5 s',
    'no agent offers cpus 1000: the most is 4, on agent-1 (of 2 agents that offered)',
  ])
  t.is(exitCodeOf(result), 2)
  t.is(watch.why, 'no agent offers cpus 1000: the most is 4, on agent-1 (of 2 agents that offered)')
})

test('an interrupted run kills what it started', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const watch = new Watch()
  const abort = new AbortController()
  watch.onChanged = ({ state }) => {
    if (state === 'TASK_RUNNING') abort.abort()
  }
  const env = { PRETEND_MS: 'Infinity' }
  const { result } = await run(cluster, { env, signal: abort.signal }, watch)
  t.true(result.isInterrupted)
  t.is(result.instances[0]?.state, 'TASK_KILLED')
})

test('a run outlives its leader', async (t) => {
  const cluster = await SimulatedActors.open(2)
  await cluster.until(cluster.startMaster())
  const watch = new Watch()
  let isStarted = false
  let epoch = 0
  watch.onChanged = ({ state }) => {
    if (state !== 'TASK_RUNNING' || isStarted) return
    isStarted = true
    epoch = cluster.leader.state.highestEpoch
    cluster.leader.kill()
  }
  const env = { PRETEND_MS: '20000', PRETEND_OUTPUT: 'x' }
  const { result } = await run(cluster, { instances: 6, env }, watch)
  t.true((cluster.masters[1]?.state.highestEpoch ?? 0) > epoch, 'another has led')
  allFinished(t, result.instances)
  for (let i = 0; i < 6; i++) t.is(watch.outputs.get(`${i} stdout`), 'x')
})

test('a leader that never comes back is waited for no longer than there is patience', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const watch = new Watch()
  const told: string[] = []
  watch.cluster = (state) => void told.push(state)
  watch.onChanged = ({ state }) => {
    if (state === 'TASK_RUNNING') cluster.leader.kill()
  }
  const env = { PRETEND_MS: 'Infinity' }
  const options = { env, failoverMs: 30_000, patienceMs: 30_000 }
  const { result } = await run(cluster, options, watch)
  t.deepEqual(told, ['away'])
  t.is(result.instances[0]?.state, 'TASK_RUNNING')
  t.is(result.unheardEndMs, 50_000)
})

/** As those of `bourse run --detach`. */
const DETACHED = { failoverMs: 604_800_000, patienceMs: 604_800_000, readsOutput: false }

test('a patient run that is interrupted without a leader stays until there is one', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const watch = new Watch()
  const abort = new AbortController()
  let unheard = 0
  watch.unheard = () => void unheard++
  watch.onChanged = ({ state }) => {
    if (state !== 'TASK_RUNNING') return
    cluster.killLeader()
    cluster.clock.after(5_000, () => abort.abort())
    cluster.clock.after(60_000, () => void cluster.startMaster())
  }
  const options = { ...DETACHED, env: { PRETEND_MS: 'Infinity' }, signal: abort.signal }
  const { result } = await run(cluster, options, watch)
  t.is(result.unheardEndMs, undefined)
  t.is(unheard, 1)
  const next = await run(cluster, { cpus: CPUS })
  allFinished(t, next.result.instances)
})

test('a patient run whose last task ends as the leader goes stays until there is one', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const watch = new Watch()
  watch.onChanged = ({ state }) => {
    if (state !== 'TASK_FINISHED') return
    cluster.killLeader()
    cluster.clock.after(60_000, () => void cluster.startMaster())
  }
  const { result } = await run(cluster, { ...DETACHED, env: { PRETEND_MS: '1000' } }, watch)
  allFinished(t, result.instances)
  t.is(result.unheardEndMs, undefined)
  t.true(cluster.clock.now().monotonicMs > 60_000)
})

test('a run that lost its leader is told, and told when there is another', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const watch = new Watch()
  const told: string[] = []
  watch.cluster = (state) => void told.push(state)
  let isStarted = false
  watch.onChanged = ({ state }) => {
    if (state !== 'TASK_RUNNING' || isStarted) return
    isStarted = true
    cluster.leader.kill()
    cluster.clock.after(20_000, () => void cluster.startMaster())
  }
  const { result } = await run(cluster, { env: { PRETEND_MS: '60000' } }, watch)
  allFinished(t, result.instances)
  t.deepEqual(told, ['away', 'back'])
})

test('an instance that fails is started again until it has failed so often', async (t) => {
  const cluster = await SimulatedActors.open(2)
  const watch = new Watch()
  const pauses: number[] = []
  watch.restarting = (_failed, delayMs) => void pauses.push(delayMs)
  const env = { PRETEND_EXIT: '3', PRETEND_OUTPUT: 'x' }
  const { result } = await run(cluster, { env, restart: { restartsMax: 3 } }, watch)
  t.deepEqual(pauses, [1_000, 2_000, 4_000])
  t.like(result.instances[0], { state: 'TASK_FAILED', restarts: 3 })
  t.is(watch.outputs.get('0 stdout'), 'xxxx', 'each attempt is read')
})

test('an instance that failed is started again though its agent is lost just then', async (t) => {
  const cluster = await SimulatedCluster.open({ agents: 2 })
  const { world } = cluster.process()
  const until = cluster.until.bind(cluster)
  const watch = new Watch()
  let lost = ''
  watch.restarting = ({ agentId = '' }) => {
    lost = agentId
    cluster.agent(lost).cutOff()
  }
  const env = { PRETEND_MS: '1000', PRETEND_EXIT: '3' }
  const options = { env, restart: { restartsMax: 1 }, readsOutput: false }
  const { result } = await run({ world, until }, options, watch)
  const [instance] = result.instances
  t.like(instance, { state: 'TASK_FAILED', exit: { code: 3 }, restarts: 1 })
  t.not(instance?.agentId, lost, 'it has failed on the other one, too')
})

test('nothing stays behind: what a run held is offered to the next', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const { result } = await run(cluster, { cpus: CPUS, ports: 10, env: { PRETEND_MS: '100' } })
  allFinished(t, result.instances)
  const again = await run(cluster, { cpus: CPUS, ports: 10 })
  allFinished(t, again.result.instances)
})

test('the library: offers to decline and accept, statuses to read, a task to kill', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const { world } = cluster
  const states = async (): Promise<readonly string[]> => {
    await using scheduler = await openScheduler({ name: 'test', world })
    const statuses = scheduler.statuses()
    let declined = 0
    for await (const offer of scheduler.offers()) {
      t.is(offer.cpus, CPUS)
      t.deepEqual(offer.ports, [[31_000, 31_009]])
      if (++declined === 1) {
        await offer.decline('not now', { refuseMs: 0 })
        t.like(await offer.decline('again'), { outcome: 'refused', refusal: { name: 'used' } })
        continue
      }
      const env = { PRETEND_MS: 'Infinity' }
      const accepted = await offer.accept([
        { taskId: 'long', command: 'sleep', env, resources: { cpus: 1, mem: 32 } },
      ])
      t.deepEqual(accepted, { outcome: 'done', taskIds: ['long'] } as never)
      break
    }
    const seen: string[] = []
    for await (const { taskId, state } of statuses) {
      seen.push(state)
      if (state === 'TASK_RUNNING') scheduler.kill(taskId)
      if (state === 'TASK_KILLED') break
    }
    t.deepEqual(await scheduler.teardown(), { outcome: 'done' })
    t.is(await scheduler.ended, undefined)
    return seen
  }
  const seen = await cluster.until(states())
  t.is(seen.at(-1), 'TASK_KILLED')
  t.true(seen.includes('TASK_RUNNING'))
})

test('the library: another secret is refused when it is opened', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const { world } = cluster
  const options = { name: 'test', frameworkId: 'same', world }
  const first = await cluster.until(openScheduler({ ...options, secret: 'the right one' }))
  const error = await t.throwsAsync(
    cluster.until(openScheduler({ ...options, secret: 'another one' })),
  )
  t.like(error, { code: 'scheduler/ended' })
  t.regex(error.message, /wrong-secret/)
  await cluster.until(first.close())
})

test('the library: a second process with id and secret takes the tasks over', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const { world } = cluster
  const options = { name: 'test', frameworkId: 'same', secret: 'the same secret', world }
  const first = await cluster.until(openScheduler(options))
  const launched = async (): Promise<void> => {
    for await (const offer of first.offers()) {
      const env = { PRETEND_MS: 'Infinity' }
      await offer.accept([{ taskId: 't', command: 'x', env, resources: { cpus: 1, mem: 32 } }])
      return
    }
  }
  await cluster.until(launched())
  const second = await cluster.until(openScheduler(options))
  t.regex((await cluster.until(first.ended))?.message ?? '', /failed-over/)
  const told = async (): Promise<string> => {
    for await (const { taskId, state } of second.statuses())
      if (state === 'TASK_RUNNING') return taskId
    return ''
  }
  second.reconcile()
  t.is(await cluster.until(told()), 't')
  await cluster.until(first.close())
  await cluster.until(second.close())
})

test('the library: no leader there', async (t) => {
  const cluster = new SimulatedActors()
  const { world } = cluster
  const opening = cluster.until(openScheduler({ name: 'test', openTimeoutMs: 3_000, world }))
  t.like(await t.throwsAsync(opening), { code: 'scheduler/no-leader', retry: 'later' })
})

test('where no leader answers, the timeout bounds the opening, too', async (t) => {
  const cluster = new SimulatedActors()
  const nothing = run(cluster, { timeoutMs: 3_000 })
  await t.throwsAsync(nothing, {
    code: 'run/unplaced',
    message: 'nothing could be placed within 3 s: no leader of cluster bourse has answered',
  })
  t.true(cluster.clock.now().monotonicMs < 4_000)
  const patient = run(cluster, { timeoutMs: 60_000 })
  await t.throwsAsync(patient, { code: 'scheduler/no-leader', message: /within 30 s$/ })
})

test('who cannot be told whether the cluster is there begins nothing', async (t) => {
  const cluster = await SimulatedActors.open(1)
  const { system } = cluster
  const connect = system.connect.bind(system)
  const dialled: string[] = []
  system.connect = (options) => {
    dialled.push(options.name)
    const refused = new ClusterError('bus/no-server', 'later', 'no more connections')
    return options.name === 'bourse run' ? Promise.reject(refused) : connect(options)
  }
  await t.throwsAsync(run(cluster, {}), { message: 'no more connections' })
  t.deepEqual(dialled, ['bourse run'], 'no framework stays behind')
})

/** Why it waits, as it is told. */
import test from 'ava'
import { parseConstraint } from '../../../../frameworks/run/constraints.ts'
import type { WantedAmounts } from '../../../../frameworks/run/state.ts'
import type { Why } from '../../../../frameworks/run/why.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import type { ResourceList } from '../../../../protocol/schema/common.ts'
import { Run } from './given.ts'

const having = (cpus: number, mem: number): ResourceList => [
  { name: 'cpus', scalar: cpus },
  { name: 'mem', scalar: mem },
]

const waiting = (wanted: Partial<WantedAmounts>, texts: readonly string[] = [], instances = 1) =>
  new Run(wanted, instances, {
    constraints: texts.map(parseConstraint).filter((one) => !('code' in one)),
  } as never)

const why = (run: Run): string | undefined =>
  run.input({ kind: 'look' }).input({ kind: 'why', why: undefined }).all('tell-waiting')[0]?.why

const said = (why: Partial<Why>) => ({
  kind: 'why' as const,
  why: { nothing: undefined, cut: undefined, ...why },
})

test('nothing is offered: the leader is asked, and may not know', (t) => {
  const run = waiting({}).input({ kind: 'look' })
  t.deepEqual([run.all('ask-why').length, run.all('tell-waiting').length], [1, 0])
  t.is(
    run.input({ kind: 'why', why: undefined }).all('tell-waiting')[0]?.why,
    'nothing is offered, and nobody has said why',
  )
  run.input(said({ nothing: 'nothing is offered: because' }))
  t.is(run.all('tell-waiting').at(-1)?.why, 'nothing is offered: because')
  run.offer(having(0.01, 100)).input(said({ nothing: 'too late' }))
  t.is(run.all('tell-waiting')[0]?.why, 'no agent offers cpus 1: the most is 0.01, on agent-1')
})

test('what is offered is too little, and the leader knows what keeps the rest', (t) => {
  const run = waiting({ cpus: 0.5 }).offer(having(0.2, 100)).input({ kind: 'look' })
  t.deepEqual([run.all('ask-why').length, run.all('tell-waiting').length], [1, 0])
  const few = 'no agent offers cpus 0.5: the most is 0.2, on agent-1'
  const cut = 'the limit of its role leaves no more'
  t.is(run.input(said({ cut })).all('tell-waiting')[0]?.why, `${few}; ${cut}`)
  t.deepEqual(run.input({ kind: 'timed-out' }).state.couldNotPlace.slice(1), [few, cut])
})

test('what the leader said is kept until it says something else', (t) => {
  const nothing = 'nothing is offered: the limit of its role is reached'
  const run = waiting({}).input(said({ nothing }))
  run.input({ kind: 'why', why: undefined }).input(said({}))
  t.deepEqual(run.all('tell-waiting'), [])
  t.deepEqual(run.input({ kind: 'timed-out' }).state.couldNotPlace.slice(1), [nothing])
})

test('who has little time looks while there is some', (t) => {
  const look = (timeoutMs: number | undefined) =>
    new Run({}, 1, { timeoutMs }).all('look-after').map(({ delayMs }) => delayMs)
  t.deepEqual([look(1_000), look(60_000), look(undefined)], [[500], [1_500], [1_500]])
})

test('one agent, and it is too small', (t) => {
  const run = waiting({ cpus: 1 }).offer(having(0.666, 100))
  t.is(why(run), 'no agent offers cpus 1: the most is 0.666, on agent-1')
})

test('several agents, and the largest is too small', (t) => {
  const run = waiting({ cpus: 1, mem: 64 })
  run.offer(having(0.5, 1_000), { agentId: 'a' }).offer(having(0.666, 32), { agentId: 'b' })
  t.is(why(run), 'no agent offers cpus 1: the most is 0.666, on b (of 2 agents that offered)')
})

test('several resources, none of which is enough anywhere', (t) => {
  const run = waiting({ cpus: 4, mem: 2_048 }).offer(having(1, 1_000))
  t.is(
    why(run),
    'no agent offers cpus 4: the most is 1, on agent-1; ' +
      'no agent offers mem 2048: the most is 1000, on agent-1',
  )
})

test('a resource that nobody offers', (t) => {
  const run = waiting({ ports: 1 }).offer(having(1, 1_000))
  t.is(why(run), 'no agent offers ports 1: there is none')
})

test('what may be taken back is not counted', (t) => {
  const run = waiting({}).offer([{ name: 'cpus', scalar: 4, revocable: true }, ...having(0.5, 64)])
  t.is(why(run), 'no agent offers cpus 1: the most is 0.5, on agent-1')
})

test('each resource is somewhere, but not all on one agent', (t) => {
  const run = waiting({ cpus: 4, mem: 2_048 })
  run.offer(having(4, 1_024), { agentId: 'a' }).offer(having(1, 4_096), { agentId: 'b' })
  t.is(why(run), 'no agent offers all of it: a offers mem 1024 of 2048, b offers cpus 1 of 4')
})

test('of many agents that have not all, three are named', (t) => {
  const run = waiting({ cpus: 4, mem: 2_048 })
  for (const agentId of ['a', 'b', 'c', 'd']) run.offer(having(4, 1_024), { agentId })
  run.offer(having(1, 4_096), { agentId: 'e' })
  t.regex(why(run) ?? '', /^no agent offers all of it: a offers .*, b offers .*, c offers [^,]*$/)
})

test('what is left counts, once some have been placed', (t) => {
  const run = waiting({ cpus: 3 }, [], 2).offer(having(4, 1_000))
  t.is(why(run), 'no agent offers cpus 3: the most is 1, on agent-1')
})

test('the newest offer of an agent counts', (t) => {
  const run = waiting({ cpus: 8 }).offer(having(4, 1_000)).offer(having(2, 1_000))
  t.is(why(run), 'no agent offers cpus 8: the most is 2, on agent-1')
})

test('a constraint that nobody meets is named with what there is', (t) => {
  const run = waiting({}, ['rack=r9'])
  run.offer(having(4, 64), { agentId: 'a', attributes: { rack: 'r2' } })
  run.offer(having(4, 64), { agentId: 'b', attributes: { rack: 'r1' } })
  t.is(why(run), 'no agent fits rack=r9: where there are offers, rack is r1, r2')
})

test('many values are cut', (t) => {
  const run = waiting({}, ['rack=r9'])
  for (let i = 1; i < 8; i++)
    run.offer(having(4, 64), { agentId: `a${i}`, attributes: { rack: `r${i}` } })
  t.regex(why(run) ?? '', /rack is r1, r2, r3, r4, r5 and 2 more$/)
})

test('a constraint about what nobody has', (t) => {
  const run = waiting({}, ['rack=r9']).offer(having(4, 64))
  t.is(why(run), 'no agent fits rack=r9: none that offers has rack')
})

test('one for each value, and there is one on each', (t) => {
  const run = waiting({}, ['hostname:unique'], 2).offer(having(4, 1_000))
  t.is(why(run), 'no agent fits hostname:unique: there are instances enough on hostname host')
})

test('an agent that is lost, or was given up, is not named any more', (t) => {
  const run = waiting({}, ['agent:unique'], 3)
  run.offer(having(4, 1_000), { agentId: 'a1' }).offer(having(4, 1_000), { agentId: 'a2' })
  run.input({ kind: 'agent-lost', agentId: 'a1' as AgentId })
  t.is(why(run), 'no agent fits agent:unique: there are instances enough on agent a2')
})

test('each constraint is met somewhere, but not all on one agent', (t) => {
  const run = waiting({}, ['rack=r1', 'disk=ssd'])
  run.offer(having(4, 64), { agentId: 'a', attributes: { rack: 'r1' } })
  run.offer(having(4, 64), { agentId: 'b', attributes: { disk: 'ssd' } })
  t.is(why(run), 'no agent meets all of rack=r1, disk=ssd at once')
})

test('of agents that meet the constraints, what they lack', (t) => {
  const run = waiting({ cpus: 2 }, ['rack=r1'])
  run.offer(having(1, 64), { agentId: 'a', attributes: { rack: 'r1' } })
  run.offer(having(9, 64), { agentId: 'b' })
  t.is(why(run), 'no agent offers cpus 2: the most is 1, on a')
})

test('what has not changed is not told again', (t) => {
  const run = waiting({ cpus: 8 }).offer(having(4, 1_000))
  t.not(why(run), undefined)
  t.is(why(run), undefined)
  t.is(why(run.offer(having(2, 1_000))), 'no agent offers cpus 8: the most is 2, on agent-1')
})

test('looks become rarer while it waits, and end when it does not', (t) => {
  const run = waiting({ cpus: 8 })
  const delays = Array.from({ length: 8 }, () => {
    run.input({ kind: 'look' })
    return run.all('look-after')[0]?.delayMs
  })
  t.deepEqual(delays, [3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000, 60_000])
  run.offer(having(8, 64))
  t.deepEqual(run.input({ kind: 'look' }).effects, [])
})

test('who waits again is told again', (t) => {
  const run = waiting({ cpus: 4 }).offer(having(1, 64))
  const first = why(run)
  run.offer(having(4, 64)).input({ kind: 'look' })
  run.status('run-0', 'TASK_DROPPED', { source: 'master' })
  t.deepEqual(
    run.all('look-after').map(({ delayMs }) => delayMs),
    [1_500],
  )
  t.is(why(run.offer(having(1, 64))), first)
})

test('time is up: the same sentences', (t) => {
  const run = waiting({ cpus: 4 }).offer(having(1, 64)).input({ kind: 'timed-out' })
  t.deepEqual(run.result.couldNotPlace, [
    '1 instance of 1 could not be placed within 5 s',
    'no agent offers cpus 4: the most is 1, on agent-1',
  ])
})

test('a cluster of very many agents is remembered in part', (t) => {
  const run = waiting({ cpus: 4 })
  for (let i = 0; i < 1_100; i++) run.offer(having(1, 64), { agentId: `a${i}` })
  t.is(run.state.shortage.size, 1_000)
})

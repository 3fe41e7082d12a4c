/** For whom a kill is that was said before its task was known. */
import test from 'ava'
import { RememberedKills } from '../../../../actors/master/frameworks/remembered-kills.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'
import { oldLaunch } from '../../../support/master-actors.ts'

const taskId = 't1' as TaskId
const launch = oldLaunch(2)
const here = { taskId, agentId: 'a1' as AgentId, launch }
const there = { taskId, agentId: 'a2' as AgentId, launch }
const [KILL, OTHER] = [{ graceMs: 1 }, { graceMs: 2 }]

test('a kill that names the agent goes before one that names none', (t) => {
  const kills = new RememberedKills<typeof KILL>()
  kills.add({ taskId }, KILL)
  kills.add({ taskId, agentId: here.agentId }, OTHER)
  t.deepEqual([kills.of(here), kills.of(there)], [OTHER, KILL])
})

test('what was said before a launch is not for it, and stays said of what runs elsewhere', (t) => {
  const kills = new RememberedKills<typeof KILL>()
  kills.add({ taskId }, KILL)
  for (const { agentId } of [here, there]) kills.add({ taskId, agentId }, KILL)
  kills.forget(here)
  t.deepEqual([kills.of(here), kills.of(there)], [undefined, KILL])
})

test('a kill of an earlier launch is not for what is brought, and hides no other kill', (t) => {
  const kills = new RememberedKills<typeof KILL>()
  kills.add({ taskId, agentId: here.agentId, launch: oldLaunch(1) }, KILL)
  t.is(kills.of(here), undefined)
  t.is(kills.of({ ...here, launch: oldLaunch(1) }), KILL)
  kills.add({ taskId, launch }, OTHER)
  t.is(kills.of(here), OTHER)
})

test('a kill of an earlier launch takes nothing back of what was said before', (t) => {
  const kills = new RememberedKills<typeof KILL>()
  const earlier = { taskId, launch: oldLaunch(1) }
  kills.add({ taskId, launch }, KILL)
  kills.add(earlier, OTHER)
  t.is(kills.of(here), OTHER)
  kills.add({ taskId }, KILL)
  kills.add(earlier, OTHER)
  t.is(kills.of({ ...here, launch: oldLaunch(3) }), OTHER)
})

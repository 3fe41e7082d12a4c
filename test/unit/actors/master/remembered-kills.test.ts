/** For whom a kill is that was said before its task was known. */
import test from 'ava'
import { RememberedKills } from '../../../../actors/master/frameworks/remembered-kills.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'

const taskId = 't1' as TaskId
const here = { taskId, agentId: 'a1' as AgentId }
const there = { taskId, agentId: 'a2' as AgentId }
const [KILL, OTHER] = [{ graceMs: 1 }, { graceMs: 2 }]

test('a kill that names the agent goes before one that names none', (t) => {
  const kills = new RememberedKills<typeof KILL>()
  kills.add(taskId, undefined, KILL)
  kills.add(taskId, here.agentId, OTHER)
  t.deepEqual([kills.of(here), kills.of(there)], [OTHER, KILL])
})

test('what was said before a launch is not for it, and stays said of what runs elsewhere', (t) => {
  const kills = new RememberedKills<typeof KILL>()
  for (const agentId of [undefined, here.agentId, there.agentId]) kills.add(taskId, agentId, KILL)
  kills.forget(here)
  t.deepEqual([kills.of(here), kills.of(there)], [undefined, KILL])
})

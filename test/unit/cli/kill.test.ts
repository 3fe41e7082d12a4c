/** What `bourse kill` says of a task whose agent cannot hear it now. */
import test from 'ava'
import { killOne } from '../../../cli/commands/kill.ts'
import { wantedTask } from '../../../cli/find-task.ts'
import type { AgentItem } from '../../../protocol/schema/operator.ts'
import { recordingIo } from '../../support/io.ts'
import { aWorld, serveOperators } from '../../support/operator-world.ts'

const TASK = {
  principal: 'local',
  frameworkId: 'f',
  taskId: 'web-0',
  agentId: 'a1',
  launch: '1-0123456789abcdef-1',
  role: '*',
  state: 'TASK_RUNNING',
  resources: [],
  changedAtMs: 1,
}
const anAgent = (agentId: string, state: AgentItem['state']) => ({
  agentId,
  state,
  attributes: [],
  total: [],
  used: [],
  offered: [],
  tasks: 1,
})

async function killed(state: AgentItem['state'], json = false) {
  const { client, leader, clock } = await aWorld()
  const verbs: string[] = []
  serveOperators({ leader, clock }, (_, { verb }, message) => {
    verbs.push(verb)
    // One whose id only begins so comes first.
    const agents = [anAgent('a10', 'registered'), anAgent('a1', state)]
    const items = verb === 'tasks' ? [TASK] : agents
    leader.answer(message, verb === 'kill' ? {} : { items })
  })
  const { io, printed } = recordingIo()
  await clock.runFor(killOne(client, wantedTask('web'), { options: { json }, io }))
  return { verbs, ...printed() }
}

test('a task whose agent is there is being killed', async (t) => {
  const { stdout, verbs } = await killed('registered')
  t.is(stdout, 'killing web-0\n')
  t.true(verbs.includes('kill'))
})

for (const state of ['silent', 'recovering', 'unreachable', 'stopped'] as const) {
  test(`a task whose agent is ${state} is killed when that is back, and it is said`, async (t) => {
    const { stdout, verbs } = await killed(state)
    const sentence = `web-0 is killed when a1 is back (${state}); if another master leads by then, ask again`
    t.is(stdout, `${sentence}\n`)
    t.true(verbs.includes('kill'))
  })
}

test('a program reads which agent a kill waits for', async (t) => {
  const said = JSON.parse((await killed('unreachable', true)).stdout)
  t.like(said, { killed: true, awaits: 'a1', agentState: 'unreachable' })
  t.false('awaits' in JSON.parse((await killed('registered', true)).stdout))
})

/** What `bourse teardown` says that it ends. */
import test from 'ava'
import { endFramework } from '../../../cli/commands/teardown.ts'
import { recordingIo } from '../../support/io.ts'
import { aWorld, serveOperators } from '../../support/operator-world.ts'

const FRAMEWORK = {
  principal: 'local',
  frameworkId: 'svc-1',
  name: 'svc',
  state: 'subscribed',
  roles: ['*'],
  suppressed: [],
  tasks: 3,
  offers: 0,
  used: [],
}
const aTask = (taskId: string, state: string, fields: object = {}) => ({
  principal: 'local',
  frameworkId: 'svc-1',
  taskId,
  agentId: 'a1',
  launch: '1-0123456789abcdef-1',
  role: '*',
  state,
  resources: [],
  changedAtMs: 1,
  ...fields,
})
const TASKS = [
  aTask('svc-0', 'TASK_RUNNING'),
  aTask('svc-1', 'TASK_FAILED'),
  aTask('svc-2', 'TASK_UNREACHABLE'),
  aTask('svc-3', 'TASK_RUNNING', { frameworkId: 'svc-10' }),
  aTask('svc-4', 'TASK_RUNNING', { principal: 'other' }),
]

async function ended(json = false): Promise<string> {
  const { client, leader, clock } = await aWorld()
  serveOperators({ leader, clock }, (_, { verb }, message) => {
    const items = verb === 'tasks' ? TASKS : [FRAMEWORK]
    leader.answer(message, verb === 'teardown' ? {} : { items })
  })
  const { io, printed } = recordingIo()
  await clock.runFor(endFramework(client, 'svc', { options: { json }, io }))
  return printed().stdout
}

test('of the tasks of a framework those are ended that have not ended', async (t) => {
  t.is(await ended(), 'ending svc-1 and its 2 tasks\n')
  t.deepEqual(JSON.parse(await ended(true)), {
    principal: 'local',
    frameworkId: 'svc-1',
    tasks: 2,
  })
})

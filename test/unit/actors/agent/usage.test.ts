/** What tasks use: told when somebody asks, and only then. */
import test from 'ava'
import type { SessionId } from '../../../../protocol/ids.ts'
import { anAgentThatRuns, aRef, FRAMEWORK } from './builders.ts'

const REQUEST = 'cccccccccccccccc' as SessionId
const anOrder = (task: string) =>
  ({ kind: 'send-usage', ...FRAMEWORK, taskId: aRef(task).taskId, request: REQUEST }) as const

test('what a task uses is counted on demand and sent with its request, in whole numbers', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { taskId, launch } = aRef('t-1')
  const asked = { to: FRAMEWORK, message: { request: REQUEST, taskId, launch } }
  t.deepEqual(rig.orders(anOrder('t-1')), [{ do: 'read-usage', containerId: launch, asked }])
  t.deepEqual(rig.hear({ kind: 'usage.read', asked, usage: { cpuMs: 1.6, memBytes: 4096 } }), [
    { do: 'send-usage', ...asked, message: { ...asked.message, cpuMs: 2, memBytes: 4096 } },
  ])
})

test('of a task that does not run here, or not any more, it says so', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { taskId, launch } = aRef('t-1')
  const message = { request: REQUEST, taskId: aRef('t-2').taskId, missing: true }
  t.deepEqual(rig.orders(anOrder('t-2')), [{ do: 'send-usage', to: FRAMEWORK, message }])
  const asked = { to: FRAMEWORK, message: { request: REQUEST, taskId, launch } }
  t.deepEqual(rig.hear({ kind: 'usage.read', asked }), [
    { do: 'send-usage', ...asked, message: { ...asked.message, missing: true } },
  ])
})

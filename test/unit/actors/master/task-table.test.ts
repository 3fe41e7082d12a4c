/** Tasks of a framework that are gone through while they come and go. */
import test from 'ava'
import { TaskTable } from '../../../../actors/master/frameworks/task-table.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'

const aTask = (taskId: string, agentId: string) => ({
  taskId: taskId as TaskId,
  agentId: agentId as AgentId,
})

test('one that takes the place of a first that was passed is not missed', (t) => {
  const firsts = [aTask('t1', 'a1'), aTask('t2', 'a1')]
  const others = [aTask('t1', 'a2'), aTask('t2', 'a2')]
  for (const passed of [0, 1, 2, 3, 4]) {
    const table = new TaskTable<ReturnType<typeof aTask>>()
    for (const task of [...firsts, ...others]) table.add(task)
    const all = table.values()
    const before = Array.from({ length: passed }, () => all.next().value)
    for (const first of firsts) table.delete(first)
    const shown = new Set([...before, ...all])
    t.true(
      others.every((task) => shown.has(task)),
      `after ${passed}`,
    )
  }
})

/** A task as its author wrote it: what travels is a copy. */
import test from 'ava'
import { taskOf } from '../../../../actors/scheduler/wishes.ts'

const wish = (labels: Record<string, string>) => ({
  command: ['true', 'a'],
  env: { A: '1' },
  resources: { cpus: 1, mem: 32 },
  labels,
})

test('what the author changes afterwards changes nothing', (t) => {
  const theirs = wish({ of: 'them' })
  const task = taskOf(theirs, () => 'x')
  theirs.command.push('b')
  theirs.env.A = '2'
  theirs.resources.cpus = 2
  theirs.labels['of'] = 'me'
  t.deepEqual(task, {
    taskId: task.taskId,
    resources: { cpus: 1, mem: 32 },
    command: { argv: ['true', 'a'], env: { A: '1' } },
    labels: { of: 'them' },
  })
})

test('a list of resources is copied down to its amounts', (t) => {
  const entry = { name: 'ports', ranges: [[31_000, 31_001]] as [number, number][] }
  const task = taskOf({ command: 'true', resources: [entry] }, () => 'x')
  entry.ranges[0]?.splice(0, 1, 1)
  t.deepEqual(task.resources, [{ name: 'ports', ranges: [[31_000, 31_001]] }])
})

test('a label named __proto__ is a label', (t) => {
  const labels = JSON.parse('{"__proto__": "x"}') as Record<string, string>
  const task = taskOf(wish(labels), () => 'x')
  t.deepEqual(Object.entries(task.labels ?? {}), [['__proto__', 'x']])
})

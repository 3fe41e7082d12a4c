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
  t.deepEqual(task as unknown, {
    taskId: 'x',
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

for (const value of ['x', { a: 'b' }])
  test(`what is named __proto__ is a field like others: ${JSON.stringify(value)}`, (t) => {
    const labels = JSON.parse(`{"__proto__": ${JSON.stringify(value)}}`) as Record<string, string>
    const task = taskOf(wish(labels), () => 'x')
    t.deepEqual(Object.entries(task.labels ?? {}), [['__proto__', value]] as never)
    t.is(Object.getPrototypeOf(task.labels), Object.prototype)
  })

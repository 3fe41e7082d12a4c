import test from 'ava'
import { parseAttributeFlag, parseResourceFlag, resourceFlag } from '../../../cli/resource-flags.ts'

test('a flag names scalars, ranges and sets', (t) => {
  t.deepEqual(parseResourceFlag('cpus:4; mem:4096;ports:[31000-31009, 31020];disks:{a,b};'), [
    { name: 'cpus', scalar: 4 },
    { name: 'mem', scalar: 4096 },
    {
      name: 'ports',
      ranges: [
        [31_000, 31_009],
        [31_020, 31_020],
      ],
    },
    { name: 'disks', set: ['a', 'b'] },
  ])
})

test('entries of one name and role add up', (t) => {
  t.deepEqual(parseResourceFlag('cpus:0.1;cpus:0.2;cpus(web):1'), [
    { name: 'cpus', scalar: 0.3 },
    { name: 'cpus', role: 'web', scalar: 1 },
  ])
})

test('what is named with nothing is named', (t) => {
  t.deepEqual(parseResourceFlag('cpus:1;gpus:0;ports:[]'), [
    { name: 'cpus', scalar: 1 },
    { name: 'gpus', scalar: 0 },
    { name: 'ports', ranges: [] },
  ])
})

test('what was read can be written again', (t) => {
  const flag = 'cpus:0.5;mem(web):64;ports:[1-2,5-5];disks:{a,b}'
  const parsed = parseResourceFlag(flag)
  t.is(Array.isArray(parsed) ? resourceFlag(parsed) : '', flag)
})

const WRONG = {
  '': 'resources "" name none',
  cpus: 'resource "cpus" is not name:value',
  'cpus:': 'resource "cpus:" is not name:value',
  'cpus:many': 'resource "cpus:many" is not a number, [from-to] or {a,b}',
  'cpus:-1': 'resource "cpus:-1" is not a number, [from-to] or {a,b}',
  'cpus:9999999999999': 'resource "cpus:9999999999999" is more than 1000000000',
  'ports:[1-x]': 'resource "ports:[1-x]" is not [from-to]',
  'ports:[9-1]': 'resource ports has a range 9-1',
  'cpus:1;cpus:[1-2]': 'resource cpus is given as two kinds',
  'c p:1': 'resource "c p:1" is not name:value',
}
for (const [text, message] of Object.entries(WRONG))
  test(`resources "${text}" are refused with what is wrong`, (t) => {
    t.like(parseResourceFlag(text), { name: 'invalid', message })
  })

test('attributes are text or numbers', (t) => {
  t.deepEqual(parseAttributeFlag('rack:a1;zone:eu:west;level:10'), [
    { name: 'rack', text: 'a1' },
    { name: 'zone', text: 'eu:west' },
    { name: 'level', scalar: 10 },
  ])
  t.like(parseAttributeFlag('rack'), { message: 'attribute "rack" is not name:value' })
  t.like(parseAttributeFlag('rack:a1;isolators:pid-namespace'), {
    message: 'attribute "isolators" is said by the agent itself',
  })
})

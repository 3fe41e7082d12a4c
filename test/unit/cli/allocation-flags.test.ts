import test from 'ava'
import {
  minAllocatableFlag,
  parseMinAllocatable,
  parseRegion,
} from '../../../cli/allocation-flags.ts'
import { MIN_ALLOCATABLE, MIN_ALLOCATABLE_MAX, QUANTITIES_MAX } from '../../../protocol/limits.ts'

/** `a0:1;a1:1`. */
const many = (separator: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `a${i}:1`).join(separator)

test('alternatives stand with | between, what is wanted together with ;', (t) => {
  t.deepEqual(parseMinAllocatable('cpus:0.01|mem:32'), [{ cpus: 0.01 }, { mem: 32 }])
  t.deepEqual(parseMinAllocatable('cpus:1;mem:64 | ports:3'), [{ cpus: 1, mem: 64 }, { ports: 3 }])
  t.deepEqual(parseMinAllocatable('anything'), [])
})

test('as many as are allowed are read', (t) => {
  for (const text of [many('|', MIN_ALLOCATABLE_MAX), many(';', QUANTITIES_MAX)])
    t.true(Array.isArray(parseMinAllocatable(text)))
})

test('what is written is what is read', (t) => {
  for (const one of [[], MIN_ALLOCATABLE, [{ cpus: 1, mem: 0.5 }]])
    t.deepEqual(parseMinAllocatable(minAllocatableFlag(one)), one)
})

for (const wrong of [
  '',
  'cpus',
  'cpus:1|',
  'cpus:-1',
  'ports:[1-3]',
  'cpus(web):1',
  many('|', MIN_ALLOCATABLE_MAX + 1),
  many(';', QUANTITIES_MAX + 1),
]) {
  test(`"${wrong.slice(0, 12)}" of ${wrong.length} characters is refused`, (t) => {
    t.like(parseMinAllocatable(wrong), { code: 400, name: 'invalid' })
  })
}

test('a region has a name', (t) => {
  t.is(parseRegion('eu-1'), 'eu-1')
  t.like(parseRegion(''), { name: 'invalid' })
  t.like(parseRegion('x'.repeat(1_025)), { name: 'invalid' })
})

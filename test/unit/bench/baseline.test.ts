import test from 'ava'
import { changesSince, middleOf, sentenceOf } from '../../bench/baseline/compare.ts'

const costs = (master: number, allocator: number, floor: number) => ({
  cpuUsPerTask: { master, allocator, total: master + allocator },
  floorCpuUsPerTask: { total: floor },
})
const BASELINE = costs(30, 2, 60)

const risenIn = (...runs: readonly ReturnType<typeof costs>[]): string[] =>
  changesSince(BASELINE, runs)
    .filter(({ hasRisen }) => hasRisen)
    .map(({ process }) => process)

test('what costs a fifth more has not risen, what costs more than that has', (t) => {
  t.deepEqual(risenIn(costs(36, 2, 60)), [])
  t.deepEqual(risenIn(costs(37, 2, 60)), ['master', 'total'])
})

test('on a machine of half the speed, all may cost twice as much', (t) => {
  t.deepEqual(risenIn(costs(60, 4, 120)), [])
  t.deepEqual(risenIn(costs(60, 4, 60)), ['master', 'allocator', 'total'])
})

test('one undisturbed run of several is enough', (t) => {
  t.deepEqual(risenIn(costs(80, 2, 60), costs(31, 2, 60), costs(50, 2, 60)), [])
})

test('a disturbed floor forgives nothing', (t) => {
  t.deepEqual(risenIn(costs(40, 2, 60), costs(40, 2, 120)), ['master', 'total'])
})

test('what costs next to nothing may double', (t) => {
  t.deepEqual(risenIn(costs(30, 2.9, 60)), [])
})

test('a process that no run has is no process that costs nothing', (t) => {
  const run = { cpuUsPerTask: { total: 1 }, floorCpuUsPerTask: { total: 60 } }
  t.throws(() => changesSince(BASELINE, [run]), { message: /no run has a process master/ })
})

test('the run in the middle is by cost beside the floor, not by cost', (t) => {
  const [cheap, middle, dear] = [costs(30, 2, 60), costs(80, 2, 120), costs(50, 2, 60)]
  t.is(middleOf([dear, cheap, middle]), middle)
})

test('a change is a sentence with both figures', (t) => {
  const [change] = changesSince(BASELINE, [costs(45, 2, 60)])
  t.is(
    change === undefined ? '' : sentenceOf(change),
    'master: 45.0 µs of CPU per task, 50 % more than 30.0 µs',
  )
})

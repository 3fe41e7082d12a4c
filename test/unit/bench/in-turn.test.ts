import test from 'ava'
import { busyMsOf } from '../../bench/versus/cpu-group.ts'
import { figuresOf, inTurn, spreadOf, timesBetter } from '../../bench/versus/in-turn.ts'

test('the median of an even number lies between two', (t) => {
  t.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 })
  t.deepEqual(spreadOf([10, 9, 1]), { median: 9, min: 1, max: 10 })
})

test('nothing has no median', (t) => {
  t.throws(() => spreadOf([]), { message: /nothing was measured/ })
})

test('more a second is better, and less time is', (t) => {
  const [bourse, peer] = [
    [200, 300, 100],
    [50, 100, 100],
  ]
  t.deepEqual(timesBetter({ bourse, peer, better: 'more' }), { median: 2, min: 1, max: 4 })
  t.deepEqual(timesBetter({ bourse, peer, better: 'less' }), { median: 0.5, min: 0.25, max: 1 })
})

test('figures name both sides and how many times better', (t) => {
  t.deepEqual(figuresOf('slurm', { bourse: [200], peer: [70], better: 'more' }), {
    bourse: 200,
    bourseMin: 200,
    bourseMax: 200,
    slurm: 70,
    slurmMin: 70,
    slurmMax: 70,
    timesBetter: 2.86,
    timesBetterMin: 2.86,
    timesBetterMax: 2.86,
  })
})

test('both sides have their turns one after the other', async (t) => {
  const order: string[] = []
  const turn = (name: string) => async () => order.push(name)
  await inTurn(2, turn('A'), turn('B'))
  t.deepEqual(order, ['A', 'B', 'A', 'B'])
})

test('a machine is busy when it neither idles nor waits for a disk', (t) => {
  t.is(busyMsOf('cpu  1 2 3 1000 500 4 5 0 0 0\ncpu0 9 9 9 9\n'), 150)
})

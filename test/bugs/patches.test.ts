import test from 'ava'
import { BUGS, problemOf } from './apply.ts'

test('there are five known bugs', (t) => {
  t.deepEqual(BUGS, [
    'freed-twice',
    'kill-forgotten',
    'no-fencing',
    'published-before-checkpoint',
    'repeated-accept-dropped',
  ])
})

for (const bug of BUGS)
  test(`the patch of ${bug} applies to the source as it is`, (t) => {
    t.is(problemOf(bug), undefined)
  })

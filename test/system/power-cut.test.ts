import test from 'ava'
import { cutPower } from '../support/power-cut.ts'

test('the store of a running master comes back as it was: what it lacks is written again', async (t) => {
  await cutPower(t, { masters: 1, store: 'an old copy' })
})

test('the store of two running masters comes back empty: all is written again', async (t) => {
  await cutPower(t, { masters: 2, store: 'nothing' })
})

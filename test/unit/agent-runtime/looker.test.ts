/** Looking at tasks fails alone: nobody ends of it. */
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import test from 'ava'
import { Looker } from '../../../agent-runtime/isolator/looks/looker.ts'

const PLACE = { hold: { kind: 'session' }, started: undefined } as const

test('where no thread can be started nothing is known, and the next question tries again', async (t) => {
  const { Worker } = threads
  let tries = 0
  threads.Worker = class {
    constructor() {
      tries += 1
      throw new Error('ERR_WORKER_INIT_FAILED: EAGAIN')
    }
  } as never
  syncBuiltinESMExports()
  try {
    const looker = new Looker()
    const stop = { stopBytes: 1, stopFiles: 1 }
    t.is(await looker.disk({ path: '/nowhere', place: PLACE as never, ...stop }), undefined)
    t.is(await looker.ports({ places: [] }), undefined)
    t.is(tries, 2)
    looker.close()
  } finally {
    threads.Worker = Worker
    syncBuiltinESMExports()
  }
})

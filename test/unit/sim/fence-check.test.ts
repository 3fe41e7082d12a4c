/** What the simulator takes for an epoch that went back. */
import test from 'ava'
import { newLeader } from '../../../actors/master/state.ts'
import type { RunId } from '../../../protocol/ids.ts'
import { FenceCheck } from '../../sim/fence-check.ts'
import type { Process } from '../../sim/process.ts'
import type { Step } from '../../sim/watch.ts'
import type { World } from '../../sim/world.ts'

const [A, B] = ['a', 'b'] as RunId[]

class Masters {
  readonly failed: string[] = []
  readonly #check = new FenceCheck({
    fail: ({ what }: { readonly what: string }) => void this.failed.push(what),
  } as unknown as World)

  claims(run: RunId | undefined, epoch: number): void {
    this.#step(run, {}, [{ do: 'write-lease', record: { epoch, counter: 0 } }])
  }

  /** It has read the registry. */
  takes(run: RunId | undefined, epoch: number, state: 'recovering' | 'leading' = 'recovering') {
    const leader = newLeader(epoch, 0, 0)
    for (const lease of ['recovering', state])
      this.#step(run, { leader, lease: { state: lease } }, [])
  }

  #step(run: RunId | undefined, state: object, effects: readonly object[]): void {
    const process = { name: `master-${run}` } as Process
    this.#check.master({ process, state: { run, lease: {}, ...state }, effects } as unknown as Step)
  }
}

test('who reads the registry after a higher one did, and claimed before it, is fenced by the log', (t) => {
  const masters = new Masters()
  masters.claims(A, 1)
  masters.claims(B, 2)
  masters.takes(B, 2)
  masters.takes(A, 1)
  t.deepEqual(masters.failed, [])
})

test('who has not led yet may read the registry once more, who has led may not', (t) => {
  const masters = new Masters()
  masters.claims(A, 1)
  masters.takes(A, 1)
  masters.takes(A, 1, 'leading')
  t.deepEqual(masters.failed, [])
  masters.takes(A, 1)
  t.deepEqual(masters.failed, ['master-a takes epoch 1 of a after epoch 1 of a'])
})

for (const epoch of [1, 2])
  test(`epoch ${epoch} is claimed when 2 was taken`, (t) => {
    const masters = new Masters()
    masters.claims(A, 2)
    masters.takes(A, 2)
    masters.claims(B, epoch)
    masters.takes(B, epoch)
    t.deepEqual(masters.failed, [`master-b takes epoch ${epoch} of b after epoch 2 of a`])
  })

test('two take the same epoch, claimed at once', (t) => {
  const masters = new Masters()
  masters.claims(A, 1)
  masters.claims(B, 1)
  masters.takes(A, 1)
  masters.takes(B, 1)
  t.deepEqual(masters.failed, ['master-b takes epoch 1 of b after epoch 1 of a'])
})

test('nobody takes what was not claimed', (t) => {
  const masters = new Masters()
  masters.takes(A, 1)
  t.is(masters.failed.length, 1)
})

import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

export const allocatorGone: Row = {
  number: 34,
  name: 'allocator-gone',
  fault: 'kill -9 of one of two allocators; when it is back, SIGSTOP of the other one',
  expected: 'the one that is left proposes; tasks run on',
  invariants: ['I1', 'I9'],
  withinMs: 10_000,
  async run(stage) {
    const { lab, probe, finish } = await openScene(stage, { allocators: 2 })
    const [first, second] = lab.allocators
    if (first === undefined || second === undefined)
      throw new Error('the lab has no two allocators')
    const killed = stopwatch()
    await first.kill()
    await inTime(probe.ran(), 'a task without the first allocator')
    const killedMs = killed()
    await first.start()
    const frozen = stopwatch()
    second.freeze()
    await inTime(probe.ran(), 'a task without the second allocator')
    const frozenMs = frozen()
    second.thaw()
    await inTime(probe.ran(), 'a task with both')
    return await finish({
      recoveryMs: Math.max(killedMs, frozenMs),
      note: `a new task had ended ${killedMs} ms after kill -9, ${frozenMs} ms after SIGSTOP`,
    })
  },
}

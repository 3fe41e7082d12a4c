/** What a container says of itself, whatever its files say and when. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import test from 'ava'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import { isAlive, readStat, signalPid } from '../../../agent-runtime/isolator/proc.ts'
import { aSandbox } from '../../support/containers.ts'
import { aLoneContainer } from '../../support/lone-container.ts'

/** Of processes that are not there: no pid is as high. */
const START = 'start 9999998 1 9999999 1\n'

test('a container that a kill finds ended as it is seen to start is told as ended once', async (t) => {
  const { container, clock, said, record } = aLoneContainer(t)
  container.prepared({ kind: 'session' }, new Held(), [])
  writeFileSync(record, '')
  container.killIn(0)
  writeFileSync(record, `${START}exit 0\n`)
  container.look()
  await clock.runUntil(1_000)
  const containerId = 'c-1'
  t.deepEqual(said, [
    { kind: 'started', containerId },
    { kind: 'ended', containerId, exit: { code: 0 } },
  ])
})

test('what was long in preparation has its time to start all the same', async (t) => {
  const { container, clock, said, record } = aLoneContainer(t)
  await clock.runUntil(70_000)
  container.rescan()
  container.rescan()
  container.prepared({ kind: 'session' }, new Held(), [])
  t.is(container.rescan(), undefined)
  t.is(container.rescan(), 'unclaimed')
  writeFileSync(record, START)
  container.look()
  await clock.runUntil(71_000)
  t.deepEqual(said, [{ kind: 'started', containerId: 'c-1' }])
})

for (const [whose, endedS, isKilled] of [
  ['of a task that was away when it ended goes', 1e9, true],
  ['of another that has its number by now stays', 0.05, false],
] as const) {
  test(`a session ${whose}`, async (t) => {
    const { container, record } = aLoneContainer(t)
    // Its leader is gone, as that of a daemon is.
    const shell = 'sleep 600 & echo $!; read -r end'
    const leader = spawn('/bin/sh', ['-c', shell], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const [said] = (await once(leader.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    const member = { pid, startTicks: readStat(pid)?.startTicks ?? 0 }
    t.teardown(() => signalPid(pid, 'SIGKILL'))
    // The other end is the member's.
    const ended = once(leader.stdout, 'close')
    leader.stdin.end()
    await once(leader, 'exit')
    t.true(isAlive(member))
    writeFileSync(record, `start 9999998 1 ${leader.pid} 1\nexit 0 ${endedS}\n`)
    const sandbox = aSandbox('t-1')
    const state = container.recover({ hold: { kind: 'session' }, sandbox, silent: false })
    t.is(state.kind, isKilled ? 'running' : 'ended', 'who ends still counts as running')
    if (isKilled) await ended
    else t.true(isAlive(member))
    container.forget()
  })
}

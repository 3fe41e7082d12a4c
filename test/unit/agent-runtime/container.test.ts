/** What a container says of itself, whatever its files say and when. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Container } from '../../../agent-runtime/containerizer/container.ts'
import type { ContainerEvent } from '../../../agent-runtime/containerizer/containerizer.ts'
import { RuntimeDirectory } from '../../../agent-runtime/containerizer/runtime-directory.ts'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'

/** Of processes that are not there: no pid is as high. */
const START = 'start 9999998 1 9999999 1\n'

test('a container that a kill finds ended as it is seen to start is told as ended once', async (t) => {
  const workDir = mkdtempSync(join(tmpdir(), 'bourse-container-'))
  t.teardown(() => rmSync(workDir, { recursive: true }))
  const runtime = new RuntimeDirectory(join(workDir, 'runtime'))
  const clock = new SimulatedClock()
  const said: ContainerEvent[] = []
  const container = new Container('c-1', {
    runtime,
    clock,
    bases: new Set(),
    emit: (event) => void said.push(event),
    ended: () => t.fail('it is told'),
  })
  container.prepared({ kind: 'session' }, new Held(), [])
  const record = join(runtime.records, 'c-1')
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

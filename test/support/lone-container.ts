/** A container without a containerizer: its files are written by a test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Container } from '../../agent-runtime/containerizer/container.ts'
import type { ContainerEvent } from '../../agent-runtime/containerizer/containerizer.ts'
import { RuntimeDirectory } from '../../agent-runtime/containerizer/runtime-directory.ts'
import { SimulatedClock } from '../../bus/simulated/clock.ts'

/** `c-1`, and what it has said so far. Its files go with the test. */
export function aLoneContainer(t: ExecutionContext) {
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
    ended: () => {},
  })
  return { container, runtime, clock, said, record: join(runtime.records, 'c-1') }
}

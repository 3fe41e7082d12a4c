import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { LabAgent } from '../../lab/contract.ts'
import { rootNeed } from '../needs.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

/** In the first record, which was synced to disk. */
const SPOILT_AT = 60

export const checkpointCorrupt: Row = {
  number: 33,
  name: 'checkpoint-corrupt',
  fault:
    'an agent starts on a disk that is read-only; then with a checkpoint of which a byte is wrong',
  expected:
    'it refuses, and says what to do; done that, its tasks are told as gone, and none runs on',
  invariants: ['I3', 'I4'],
  withinMs: 10_000,
  needs: () => [rootNeed()],
  async run(stage) {
    const { lab, steady, probe, finish } = await openScene(stage, {
      masterFlags: ['--agent-ping', '500ms', '--agent-pings-missed', '4'],
      steady: { runMs: [25_000, 30_000] },
    })
    const [agent] = lab.agents
    if (agent === undefined) throw new Error('the lab has no agent')
    await agent.kill()
    execFileSync('mount', ['--bind', agent.workDir, agent.workDir])
    stage.onEnd(() => unmount(agent))
    execFileSync('mount', ['-o', 'remount,bind,ro', agent.workDir])
    const readOnly = await refusalOf(agent)
    unmount(agent)
    await agent.start()
    await inTime(probe.ran(agent.name), 'a task when the disk may be written')

    await agent.kill()
    spoil(join(agent.workDir, 'checkpoint'))
    const corrupt = await refusalOf(agent)
    await inTime(
      steady.reaches((all) => all.some(({ state }) => state === 'TASK_UNREACHABLE')),
      'that its tasks are missed',
    )
    // What the sentence says.
    renameSync(join(agent.workDir, 'checkpoint'), join(stage.folder, 'spoilt'))
    const since = stopwatch()
    await agent.start()
    await inTime(probe.ran(agent.name), 'a task without the checkpoint')
    await inTime(
      steady.reaches((all) => all.some(({ state }) => state === 'TASK_GONE')),
      'that its tasks are gone',
    )
    const recoveryMs = since()
    return await finish({
      recoveryMs,
      note: `read-only: “${readOnly}”; corrupt: “${corrupt}”`,
      mayEnd: ['TASK_GONE'],
      explains: /^I5: .* TASK_GONE /,
      problems: /move it away|restore/.test(corrupt) ? [] : ['it does not say what to do'],
    })
  },
}

/** Lazily, and it may be gone: the last one counts. */
function unmount({ workDir }: LabAgent): void {
  try {
    execFileSync('umount', ['-l', workDir], { stdio: 'ignore' })
  } catch {
    // It was unmounted before.
  }
}

function spoil(path: string): void {
  const fd = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, SPOILT_AT)
  writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 0xff), 0, 1, SPOILT_AT)
  closeSync(fd)
}

/** @throws {Error} it has started. */
async function refusalOf(agent: LabAgent): Promise<string> {
  const isReady = await inTime(agent.start(), 'a start or a refusal').then(
    () => true,
    () => false,
  )
  if (isReady) throw new Error(`${agent.name} has started all the same`)
  return agent.lines.at(-1)?.message ?? ''
}

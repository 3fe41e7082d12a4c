/** How many checks run at once, and who pays for those over a network of a task's own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { runCommand } from '../../../agent-runtime/checks/command.ts'
import { askInside } from '../../../agent-runtime/checks/entered.ts'
import { PLACE_MS_MAX, PLACES } from '../../../agent-runtime/checks/places.ts'
import { RunningChecks } from '../../../agent-runtime/checks/running.ts'
import type { CheckSeen } from '../../../agent-runtime/containerizer/containerizer.ts'
import { renderLaunchFile } from '../../../agent-runtime/containerizer/launch-file.ts'
import { systemClock } from '../../../bus/clock.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'

const IDENTITY = { pid: process.pid, startTicks: 0 }
const YES: CheckSeen = { connected: true }

/** Checks of many containers, each of which ends when it is told to. */
function aMachine(timeoutMs = 0) {
  const clock = new SimulatedClock()
  const begun: { readonly containerId: string; readonly end: () => void }[] = []
  const seen: string[] = []
  const checks = new RunningChecks<undefined>(clock, ({ containerId }, _, tell) => {
    begun.push({ containerId, end: () => tell(YES) })
    return { stop: (done) => done() }
  })
  const run = (containerId: string): void => {
    const asked = { containerId, which: 'check', probe: { tcp: { port: 1 } }, timeoutMs } as const
    checks.run(asked, undefined, () => void seen.push(containerId))
  }
  return { clock, begun, seen, checks, run }
}

const MANY = Array.from({ length: 3 * PLACES }, (_, i) => `c-${i}`)

test('checks that are due together begin one after the other, and so many at once', async (t) => {
  const { clock, begun, seen, run } = aMachine()
  for (const containerId of MANY) run(containerId)
  t.is(begun.length, 0, 'none from inside the call')
  clock.step()
  t.is(begun.length, 1, 'one in each turn')
  await clock.runUntil(0)
  t.is(begun.length, PLACES)
  begun[5]?.end()
  await clock.runUntil(0)
  t.deepEqual(seen, ['c-5'])
  t.is(begun.length, PLACES + 1, 'one has ended, one has begun')
  for (let i = 0; i < begun.length; i++) {
    begun[i]?.end()
    await clock.runUntil(0)
  }
  t.deepEqual(
    begun.map(({ containerId }) => containerId),
    MANY,
    'first come, first served',
  )
})

test('checks that hang hold up the others for a while only', async (t) => {
  const { clock, begun, run } = aMachine()
  for (const containerId of MANY) run(containerId)
  await clock.runUntil(PLACE_MS_MAX)
  t.is(begun.length, 2 * PLACES)
  begun[0]?.end()
  await clock.runUntil(PLACE_MS_MAX)
  t.is(begun.length, 2 * PLACES, 'its place was given to another already')
})

test('a check whose container ends while it waits never begins', async (t) => {
  const { clock, begun, checks, run } = aMachine()
  for (const containerId of MANY) run(containerId)
  for (const containerId of MANY.slice(1)) checks.stop(containerId)
  await clock.runUntil(10 * PLACE_MS_MAX)
  t.deepEqual(
    begun.map(({ containerId }) => containerId),
    ['c-0'],
  )
})

test("what asks over a task's own network is in the task's cgroups, and as the agent", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-checks-'))
  const server = createServer((socket) => socket.end())
  t.teardown(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  const file = join(folder, 'launch')
  const hold = { kind: 'cgroup', path: folder, how: 'v2' } as const
  writeFileSync(join(folder, 'cgroup.procs'), '')
  const launch = renderLaunchFile({
    sandbox: { frameworkId: 'f', taskId: 't', containerId: 'c-1' } as never,
    hold: hold as never,
    sandboxPath: folder,
    joins: [join(folder, 'cgroup.procs')],
    command: { argv: ['false'] },
    environment: { PATH: '/nowhere' },
    enter: '',
    isolate: [],
    prefix: ['false'],
    envOptions: [],
  })
  writeFileSync(file, launch)
  const started = { parent: IDENTITY, child: IDENTITY }
  const place = { hold: hold as never, started, inside: [], file, note: join(folder, 'note') }
  const ask = (cgroup: string): Promise<CheckSeen> => {
    writeFileSync(file, launch.replaceAll(`${folder}/cgroup.procs`, cgroup))
    return new Promise((resolve) => askInside(place, { tcp: { port } }, resolve))
  }
  t.deepEqual(await ask(`${folder}/cgroup.procs`), YES)
  t.is(readFileSync(join(folder, 'cgroup.procs'), 'utf8'), '0\n')
  const failed = 'the network of its task could not be entered'
  t.deepEqual(await ask(`${folder}/not-there/cgroup.procs`), { failed }, 'or not at all')
  rmSync(file)
  const ran = new Promise<CheckSeen>((resolve) => {
    const command = { argv: ['true'] }
    const session = { ...place, hold: { kind: 'session' } as const }
    runCommand({ run: { which: 'check' }, command, place: session, clock: systemClock }, resolve)
  })
  const asked = new Promise<CheckSeen>((resolve) => askInside(place, { tcp: { port } }, resolve))
  const unmade = `ENOENT: no such file or directory, open '${file}'`
  t.deepEqual([await ran, await asked], [{ unmade }, { unmade }], 'nothing of the task was asked')
})

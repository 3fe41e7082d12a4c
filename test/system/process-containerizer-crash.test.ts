/** Whatever is killed beside a task: the task goes on, runs once, and its true end is known. */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { ContainerSpec } from '../../agent-runtime/containerizer/containerizer.ts'
import { parseLaunchHead } from '../../agent-runtime/containerizer/launch-file.ts'
import { parseRecord, type Record } from '../../agent-runtime/containerizer/record.ts'
import { isAlive } from '../../agent-runtime/isolator/proc.ts'
import { systemClock } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { ContainerAgent } from '../support/container-agent.ts'
import {
  aContainer,
  fileHolds,
  HASTY_CLOCK,
  opened,
  processesAreGone,
  processesOf,
  type RealMachine,
  realMachine,
} from '../support/containers.ts'
import { hasProgram, needs } from '../support/needs.ts'

/**
 * Waits for a byte in `go`: a pipe that it holds open, or a file that was there before. Not for
 * ever: who ends a test in the middle leaves it behind.
 */
const AWAIT_GO =
  'mkfifo made; exec 3<>made; ln made go 2>&- || exec 3<go; timeout 900 head -c 1 <&3 >/dev/null; exec 3<&-'

/** Writes down each of its starts, and ends by `end` when it is told to go. */
function aWaiter(containerId: string, end: string): ContainerSpec {
  const shell = `echo started >>starts; echo ready; ${AWAIT_GO}; ${end}`
  return { ...aContainer({ containerId }), command: { shell } }
}

const ENDS = [
  ['exit 0', { code: 0 }],
  ['exit 3', { code: 3 }],
  ['exit 137', { code: 137 }],
  ['kill -9 $$', { signal: 'SIGKILL' }],
  ['kill -TERM $$', { signal: 'SIGTERM' }],
] as const
const WAITERS = ENDS.map(([end], index) => aWaiter(`c-${index}`, end))
const IDS = WAITERS.map(({ containerId }) => containerId)

function go(machine: RealMachine, spec: ContainerSpec): void {
  // Opened for reading as well: that never waits for a reader.
  const fd = openSync(join(machine.sandboxPath(spec), 'go'), constants.O_RDWR | constants.O_CREAT)
  writeSync(fd, '!')
  closeSync(fd)
}
const starts = (machine: RealMachine, spec: ContainerSpec) =>
  readFileSync(join(machine.sandboxPath(spec), 'starts'), 'utf8')
const recordOf = ({ workDir }: RealMachine, containerId: string): Record =>
  parseRecord(readFileSync(join(workDir, 'runtime', 'records', containerId), 'utf8'))

function startedOf(machine: RealMachine, containerId: string) {
  const record = recordOf(machine, containerId)
  return record.kind === 'started' ? record.started : undefined
}

async function agentDies(t: ExecutionContext, machine: RealMachine, agent: ContainerAgent) {
  await agent.until('started', WAITERS.length)
  await Promise.all(WAITERS.map((spec) => machine.written(spec)))
  await agent.kill()
  const [unseen, ...rest] = WAITERS
  if (unseen === undefined) throw new Error('there are waiters')
  go(machine, unseen)
  await machine.endUnseen(unseen.containerId)
  const record = recordOf(machine, unseen.containerId)
  const { containers, log, found } = await opened(machine)
  const saysWhen = record.kind === 'exited' && record.endedTicks !== undefined
  t.is(saysWhen, containers.isolation === 'session')
  const states = new Map(found.map(({ containerId, state }) => [containerId, state]))
  t.deepEqual(states.get(unseen.containerId), { kind: 'ended', exit: { code: 0 } })
  for (const spec of rest) {
    t.deepEqual(states.get(spec.containerId), { kind: 'running' })
    go(machine, spec)
  }
  await log.until('ended', ...rest.map(({ containerId }) => containerId))
  const exits = IDS.flatMap((id) => log.of(id).map((event) => 'exit' in event && event.exit))
  t.deepEqual(
    exits,
    ENDS.slice(1).map(([, exit]) => exit),
  )
  t.deepEqual(
    WAITERS.map((spec) => starts(machine, spec)),
    WAITERS.map(() => 'started\n'),
  )
  await Promise.all(IDS.map((id) => containers.destroy(id)))
  t.deepEqual(processesOf(machine.workDir), [])
}

for (const isolation of [undefined, 'pid-namespace', 'session'] as const) {
  const where = isolation ?? 'the strongest isolation'
  test(`an agent killed by -9 finds its tasks again with their true ends (${where})`, async (t) => {
    await using machine = realMachine(isolation)
    const agent = new ContainerAgent({ workDir: machine.workDir, isolation, launches: WAITERS })
    await agentDies(t, machine, agent)
  })
}

for (const isolation of [undefined, 'pid-namespace', 'session'] as const) {
  const where = isolation ?? 'the strongest isolation'
  test(`a check that hangs goes with its task, also if its agent was killed by -9 (${where})`, async (t) => {
    await using machine = realMachine(isolation)
    const { workDir } = machine
    const spec = aContainer()
    const probe = { command: { shell: 'sleep 600 & echo hangs >checked; sleep 600; exit 1' } }
    const check = { containerId: 'c-1', which: 'check', probe, timeoutMs: 600_000 } as const
    const agent = new ContainerAgent({ workDir, isolation, launches: [spec], check })
    await agent.until('started')
    await fileHolds(join(machine.sandboxPath(spec), 'checked'), /hangs/)
    await agent.kill()
    t.true(processesOf(workDir).length >= 3, 'the task, the check and its sleeper')
    const { containers } = await opened(machine)
    await containers.destroy('c-1')
    await processesAreGone(workDir)
    t.deepEqual(processesOf(workDir), [])
  })
}

for (const isolation of [undefined, 'session'] as const) {
  const where = isolation ?? 'the strongest isolation'
  test(`an ordinary user's agent holds and kills its tasks (${where})`, async (t) => {
    if (!needs(t, { name: 'the right of root', found: process.getuid?.() === 0 })) return
    if (!needs(t, { name: 'setpriv', found: hasProgram('setpriv') })) return
    await using machine = realMachine(isolation)
    chmodSync(machine.workDir, 0o755)
    chownSync(machine.workDir, 65_534, 65_534)
    const escapes = '(setsid sh -c \'trap "" TERM; sleep 600\' &)'
    const shell = `${isolation === 'session' ? 'sleep 600 &' : escapes}; id -u; exec sleep 600`
    const spec = { ...aContainer(), command: { shell: shell.replace('&;', '&') } }
    const other = { ...aContainer({ containerId: 'c-2' }), user: 'root' }
    const agent = new ContainerAgent(
      { workDir: machine.workDir, isolation, launches: [spec, other] },
      true,
    )
    await agent.until('opened')
    const opening = agent.told[0]
    const kind = opening?.kind === 'opened' ? opening.isolation : undefined
    if (
      !needs(t, {
        name: 'a pid namespace for users',
        found: isolation === kind || kind === 'pid-namespace',
      })
    )
      return
    await agent.until('started')
    await agent.until('launch-failed')
    await machine.written(spec)
    t.is(readFileSync(join(machine.sandboxPath(spec), 'stdout'), 'utf8'), '65534\n')
    const failed = agent.told.find((told) => told.kind === 'launch-failed')
    t.like(failed, { why: 'only root can run tasks as another user, here "root"' })
    t.true(processesOf(machine.workDir).length >= 2)
    await agent[Symbol.asyncDispose]()
    t.deepEqual(processesOf(machine.workDir), [])
  })
}

test('a launcher killed by -9 loses no task, and the next launch gets another', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  const [first, second, ...more] = WAITERS
  if (first === undefined || second === undefined) throw new Error('there are waiters')
  containers.launch(first)
  await log.until('started', first.containerId)
  const before = containers.launcherPid
  process.kill(before ?? 0, 'SIGKILL')
  containers.launch(second)
  await log.until('started', second.containerId)
  t.not(containers.launcherPid, before)
  for (const spec of more) containers.launch(spec)
  await log.until('started', ...IDS)
  for (const spec of WAITERS) go(machine, spec)
  await log.until('ended', ...IDS)
  const exits = IDS.map((id) => log.of(id)[1]).map(
    (event) => event && 'exit' in event && event.exit,
  )
  t.deepEqual(
    exits,
    ENDS.map(([, exit]) => exit),
  )
})

test('what a stopped launcher was asked for is begun by another, once', async (t) => {
  await using machine = realMachine(undefined, HASTY_CLOCK)
  const { containers, log } = await opened(machine)
  const [first, ...rest] = WAITERS
  if (first === undefined) throw new Error('there are waiters')
  containers.launch(first)
  await log.until('started', first.containerId)
  const stopped = containers.launcherPid ?? 0
  process.kill(stopped, 'SIGSTOP')
  for (const spec of rest) containers.launch(spec)
  await log.until('started', ...IDS)
  process.kill(stopped, 'SIGCONT')
  await Promise.all(WAITERS.map((spec) => machine.written(spec)))
  for (const spec of WAITERS) go(machine, spec)
  await log.until('ended', ...IDS)
  t.is(log.events.length, 2 * WAITERS.length)
  t.deepEqual(
    WAITERS.map((spec) => starts(machine, spec)),
    WAITERS.map(() => 'started\n'),
  )
})

/** The launcher of an agent, if it has one yet. */
function launchersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const isLauncher = (child: string) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('launcher.sh')
  return children.split(' ').filter(Boolean).filter(isLauncher).map(Number)
}

for (const startedBefore of [1, 7, 20]) {
  test(`agent and launcher killed by -9 when ${startedBefore} of 40 have started: each starts once or never`, async (t) => {
    await using machine = realMachine()
    const launches = Array.from({ length: 40 }, (_, i) => aWaiter(`c-${i}`, `exit ${i}`))
    const agent = new ContainerAgent({ workDir: machine.workDir, launches })
    await agent.until('started', startedBefore)
    const launchers = launchersOf(agent.pid)
    for (const pid of launchers) process.kill(pid, 'SIGKILL')
    await agent.kill()
    const { containers, log, found } = await opened(machine)
    const states = new Map(found.map(({ containerId, state }) => [containerId, state.kind]))
    const running = launches.filter(({ containerId }) => states.get(containerId) === 'running')
    t.log(`${running.length} run on without an agent and ${launchers.length} launcher`)
    t.true(running.length >= startedBefore)
    for (const spec of running) go(machine, spec)
    const over = () =>
      running.every(({ containerId }) => log.of(containerId).some(({ kind }) => kind !== 'started'))
    await machine.until(over)
    for (const spec of launches) {
      const ends = log.of(spec.containerId).filter(({ kind }) => kind !== 'started')
      const isStarted = existsSync(join(machine.sandboxPath(spec), 'starts'))
      if (isStarted) t.is(starts(machine, spec), 'started\n')
      const exit = { code: Number(spec.containerId.slice(2)) }
      const kind = isStarted ? 'ended' : 'launch-failed'
      if (states.get(spec.containerId) !== 'running') t.false(isStarted, spec.containerId)
      else t.like(ends, { length: 1, 0: isStarted ? { kind, exit } : { kind } })
    }
    await Promise.all(launches.map(({ containerId }) => containers.destroy(containerId)))
    t.deepEqual(processesOf(machine.workDir), [])
  })
}

test('a cgroup of which no launch is known is emptied and removed at recovery', async (t) => {
  await using machine = realMachine()
  const first = await opened(machine)
  if (!needs(t, { name: 'the right of root', found: first.containers.isolation === 'cgroup' }))
    return
  const spec = aContainer({ output: 'ready' })
  first.containers.launch(spec)
  await first.log.until('started', 'c-1')
  await machine.written(spec)
  const launch = join(machine.workDir, 'runtime', 'launches', 'c-1')
  const { hold, holds = [] } = parseLaunchHead(readFileSync(launch, 'utf8')) ?? {}
  const cgroups = [
    ...(hold?.kind === 'cgroup' ? [hold] : []),
    ...holds.filter((one) => 'version' in one),
  ].map(({ path }) => path)
  t.true(cgroups.length > 0 && cgroups.every((path) => existsSync(path)))
  await first.containers.close()
  rmSync(launch)
  const { found } = await opened(machine)
  t.deepEqual(found, [])
  const isLeft = () => cgroups.some((path) => existsSync(path))
  while (isLeft()) await new Promise((resolve) => systemClock.soon(() => resolve(0)))
  t.deepEqual(processesOf(machine.workDir), [])
})

test('a task goes on when its recording parent is killed by -9; its end is then unknown', async (t) => {
  await using machine = realMachine('session', HASTY_CLOCK)
  const { containers, log } = await opened(machine)
  const spec = aWaiter('c-1', 'exit 3')
  containers.launch(spec)
  await log.until('started', 'c-1')
  await machine.written(spec)
  const started = startedOf(machine, 'c-1')
  process.kill(started?.parent.pid ?? 0, 'SIGKILL')
  t.true(started && isAlive(started.child))
  go(machine, spec)
  await log.until('ended', 'c-1')
  t.like(log.events[1], { exit: { unknown: 'the process that records the exit was killed' } })
  await containers.close()
  t.like((await opened(machine)).found[0], { state: { kind: 'ended' } })
})

test('after a reboot every task is over and no pid is signalled', async (t) => {
  await using machine = realMachine('session')
  const first = await opened(machine)
  first.containers.launch(aContainer({ output: 'ready' }))
  await first.log.until('started', 'c-1')
  const child = startedOf(machine, 'c-1')?.child
  await first.containers.close()
  writeFileSync(join(machine.workDir, 'runtime', 'boot-id'), 'another boot\n')
  const { containers, found } = await opened(machine)
  const exit = { unknown: 'the machine was rebooted while the task ran' }
  t.deepEqual(found[0]?.state, { kind: 'ended', exit })
  containers.kill('c-1', 0)
  await containers.destroy('c-1')
  t.true(child && isAlive(child), 'whoever has that pid now lives on')
  process.kill(-(child?.pid ?? 0), 'SIGKILL')
})

test('a pid that was given to somebody else is never signalled', async (t) => {
  await using machine = realMachine('session')
  const runtime = join(machine.workDir, 'runtime')
  const first = await opened(machine)
  first.containers.launch(aContainer())
  await first.log.until('started', 'c-1')
  const record = join(runtime, 'records', 'c-1')
  const mine = startedOf(machine, 'c-1')
  await first.containers.close()
  process.kill(-(mine?.child.pid ?? 0), 'SIGKILL')
  await fileHolds(record, /exit/)
  writeFileSync(record, `start ${process.pid} 1 ${process.pid} 1\n`)
  const { found } = await opened(machine)
  const exit = { unknown: 'the process that records the exit was killed' }
  t.deepEqual(found[0]?.state, { kind: 'ended', exit })
})

test('what was claimed by somebody who then fell silent is given up, for good', async (t) => {
  let aheadMs = 0
  const ahead = () => {
    const { monotonicMs, wallMs } = systemClock.now()
    return { monotonicMs: monotonicMs + aheadMs, wallMs }
  }
  await using machine = realMachine(undefined, { ...HASTY_CLOCK, now: ahead })
  const { containers, log } = await opened(machine)
  writeFileSync(join(machine.workDir, 'runtime', 'records', 'c-1'), '')
  containers.launch(aContainer())
  aheadMs = 61_000
  await log.until('launch-failed', 'c-1')
  t.like(log.events[0], { why: 'its process was not there after 60000 ms' })
  await containers.close()
  t.deepEqual((await opened(machine)).found[0]?.state, { kind: 'never-started' })
})

test('what a crash left half done is cleared away', async (t) => {
  await using machine = realMachine(undefined, HASTY_CLOCK)
  const runtime = join(machine.workDir, 'runtime')
  const first = await opened(machine)
  first.containers.launch(aContainer({ exit: 0 }))
  await first.log.until('ended', 'c-1')
  await first.containers.close()
  writeFileSync(join(runtime, 'launches', 'half'), '# {"sandbox"')
  writeFileSync(join(runtime, 'records', 'half'), 'start 1 2 3 4\n')
  writeFileSync(join(runtime, 'records', 'orphan'), '')
  writeFileSync(join(runtime, 'owner'), `${process.pid} 1\n`)
  const { found } = await opened(machine)
  t.deepEqual(
    found.map(({ containerId }) => containerId),
    ['c-1'],
  )
  for (const name of ['launches/half', 'records/half', 'records/orphan'])
    t.false(existsSync(join(runtime, name)), name)
})

test('a second agent on the same work directory is refused by name', async (t) => {
  await using machine = realMachine()
  await opened(machine)
  const error = await t.throwsAsync(opened(machine), { instanceOf: ClusterError })
  t.is(error?.code, 'containerizer/in-use')
  t.regex(error?.message ?? '', new RegExp(`in use by the agent with pid ${process.pid}$`))
})

test('a sandbox that cannot be made fails its launch, and only that', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  const spec = aContainer({ containerId: 'c-1' })
  mkdirSync(machine.sandboxPath(spec), { recursive: true })
  containers.launch(spec)
  await log.until('launch-failed', 'c-1')
  t.like(log.events[0], { kind: 'launch-failed' })
  rmSync(machine.sandboxPath(spec), { recursive: true })
  containers.launch(aContainer({ containerId: 'c-2', taskId: 'task-of-c-1', exit: 0 }))
  await log.until('ended', 'c-2')
  t.like(log.events.at(-1), { exit: { code: 0 } })
})

/** Tasks go on without an agent, and are ended when none comes back. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { watchOf } from '../../actors/agent/main.ts'
import type { ContainerSpec, Isolation } from '../../agent-runtime/containerizer/containerizer.ts'
import { isAlive } from '../../agent-runtime/isolator/proc.ts'
import { openRuntime } from '../../agent-runtime/runtime.ts'
import { systemClock } from '../../bus/clock.ts'
import { ContainerAgent } from '../support/container-agent.ts'
import {
  AN_AGENT,
  aContainer,
  EventLog,
  fileHolds,
  processesAreGone,
  type RealMachine,
  realMachine,
} from '../support/containers.ts'

const SPEC = aContainer({ output: 'ready' })
const SPECS = [SPEC, aContainer({ containerId: 'c-2', ignoresTerm: true, output: 'ready' })]

interface Given {
  readonly recoveryTimeoutMs: number
  readonly specs?: readonly ContainerSpec[]
  readonly isolation?: Exclude<Isolation, 'pretending'> | undefined
}

async function agentOf(
  machine: RealMachine,
  { recoveryTimeoutMs, specs = SPECS, isolation }: Given,
) {
  const { workDir } = machine
  writeFileSync(join(workDir, 'agent-id'), `${AN_AGENT}\n`)
  const agent = new ContainerAgent({ workDir, isolation, launches: specs, recoveryTimeoutMs })
  await agent.until('started', specs.length)
  await Promise.all(specs.map((spec) => machine.written(spec)))
  return agent
}

/** Who watches for the agent that was opened last. */
function watcherOf({ workDir }: RealMachine) {
  const text = readFileSync(join(workDir, 'runtime', 'watch'), 'utf8')
  const [, pid = 0, startTicks = 0] = text.split(' ').map(Number)
  return { pid, startTicks }
}

/** Resolves when there is no such process any more; it is nobody's child that we could wait for. */
async function gone(pid: number): Promise<void> {
  await once(spawn('sh', ['-c', `while kill -0 ${pid} 2>&-; do sleep 0.05; done`]), 'exit')
}

async function endsAlone(t: ExecutionContext, isolation?: Exclude<Isolation, 'pretending'>) {
  await using machine = realMachine(isolation)
  const agent = await agentOf(machine, { recoveryTimeoutMs: 500, isolation })
  await agent.kill()
  for (const { containerId } of SPECS) {
    await fileHolds(join(machine.workDir, 'runtime', 'records', containerId), /^exit \d+.*\n/m)
  }
  const containers = await machine.open(new EventLog(machine).onEvent)
  const found = await containers.recover()
  const why = 'no agent came back within 0.5 s'
  t.deepEqual(Object.fromEntries(found.map(({ containerId, state }) => [containerId, state])), {
    'c-1': { kind: 'ended', exit: { signal: 'SIGTERM' }, why },
    'c-2': { kind: 'ended', exit: { signal: 'SIGKILL' }, why },
  })
  await t.notThrowsAsync(processesAreGone(machine.workDir))
}

for (const isolation of [undefined, 'pid-namespace', 'session'] as const) {
  const where = isolation ?? 'the strongest isolation'
  test(`tasks of an agent that is gone for good are ended, and the next one hears why (${where})`, (t) =>
    endsAlone(t, isolation))
}

test('an agent that is back in time keeps its tasks, and nobody watches for the dead one', async (t) => {
  await using machine = realMachine()
  const agent = await agentOf(machine, { recoveryTimeoutMs: 600_000, specs: [SPEC] })
  const watcher = watcherOf(machine)
  t.true(isAlive(watcher))
  await agent.kill()
  t.true(isAlive(watcher))
  const containers = await machine.open(new EventLog(machine).onEvent)
  t.deepEqual((await containers.recover())[0]?.state, { kind: 'running' })
  await gone(watcher.pid)
  t.false(isAlive(watcher))
})

test('an agent that stops without a task leaves nobody to watch', async (t) => {
  await using machine = realMachine()
  const agent = await agentOf(machine, { recoveryTimeoutMs: 600_000, specs: [SPEC] })
  const watcher = watcherOf(machine)
  await agent[Symbol.asyncDispose]()
  await gone(watcher.pid)
  t.false(isAlive(watcher))
})

test('an agent whose watcher is killed gets another', async (t) => {
  await using machine = realMachine()
  const agent = await agentOf(machine, { recoveryTimeoutMs: 600_000, specs: [SPEC] })
  const { pid } = watcherOf(machine)
  process.kill(-pid, 'SIGKILL')
  await fileHolds(join(machine.workDir, 'runtime', 'watch'), new RegExp(`^1 (?!${pid} )[1-9]`))
  t.true(isAlive(watcherOf(machine)))
  await agent[Symbol.asyncDispose]()
})

test('tasks of an agent that ended before it had looked at them are ended, too', async (t) => {
  await using machine = realMachine()
  const { workDir } = machine
  const agent = await agentOf(machine, { recoveryTimeoutMs: 600_000, specs: [SPEC] })
  await agent.kill()
  const watch = watchOf(200)
  const options = { workDir, agentId: AN_AGENT, clock: systemClock, onEvent() {}, watch }
  const { containerizer } = await openRuntime({ ...options, containerService: 'none' })
  await containerizer.close()
  await machine.endUnseen('c-1')
  await t.notThrowsAsync(processesAreGone(workDir))
})

test('who watched for an agent before the last one ends nothing', async (t) => {
  await using machine = realMachine()
  const agent = await agentOf(machine, { recoveryTimeoutMs: 600_000, specs: [SPEC] })
  await agent.kill()
  const [file = '', ...args] = watchOf(200)?.command ?? []
  const [code] = await once(spawn(file, [...args, machine.workDir, '0']), 'exit')
  t.is(code, 0)
  const containers = await machine.open(new EventLog(machine).onEvent)
  t.deepEqual((await containers.recover())[0]?.state, { kind: 'running' })
})

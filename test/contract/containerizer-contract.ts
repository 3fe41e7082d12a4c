/**
 * What every containerizer must do. Each implementation runs this file; none has its own version.
 */
import type { TestFn } from 'ava'
import type {
  Containerizer,
  ContainerSpec,
} from '../../agent-runtime/containerizer/containerizer.ts'
import type { LookInto, SandboxName } from '../../agent-runtime/sandbox/sandboxes.ts'
import { aContainer, aSandbox, type Machine, opened } from '../support/containers.ts'

/** Stands for the death of an agent and the start of the next. */
async function reopened(machine: Machine, before: Containerizer) {
  await before.close()
  return await opened(machine)
}

const started = (containerId: string) => ({ kind: 'started', containerId }) as const
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function outputOf(machine: Machine, { sandbox }: ContainerSpec, offset = 0) {
  return machine.sandboxes().readOutput({ sandbox, stream: 'stdout', offset, bytesMax: 5 })
}

export function containerizerContract(test: TestFn, name: string, machineOf: () => Machine): void {
  endings(test, name, machineOf)
  kills(test, name, machineOf)
  killsAtTheEdges(test, name, machineOf)
  recovery(test, name, machineOf)
  looks(test, name, machineOf)
  outputs(test, name, machineOf)
  checks(test, name, machineOf)
}

function endings(test: TestFn, name: string, machineOf: () => Machine): void {
  for (const [exit, told] of [
    [0, { code: 0 }],
    [3, { code: 3 }],
    [137, { code: 137 }],
    ['SIGKILL', { signal: 'SIGKILL' }],
    ['SIGTERM', { signal: 'SIGTERM' }],
  ] as const) {
    test(`${name}: a task that ends by ${exit} is started, then ended with just that`, async (t) => {
      await using machine = machineOf()
      const { containers, log } = await opened(machine)
      containers.launch(aContainer({ exit }))
      await log.until('ended', 'c-1')
      t.deepEqual(log.events, [started('c-1'), { kind: 'ended', containerId: 'c-1', exit: told }])
    })
  }

  test(`${name}: fifty tasks at once are each started and ended once`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    const ids = Array.from({ length: 50 }, (_, index) => `c-${index}`)
    for (const containerId of ids) containers.launch(aContainer({ containerId, exit: 0 }))
    await log.until('ended', ...ids)
    t.is(log.events.length, 100)
  })

  test(`${name}: what no process can be given is refused by name, and nothing runs`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch({ ...aContainer(), command: { argv: ['echo', 'a\0b'] } })
    containers.launch({ ...aContainer({ containerId: 'c-2' }), env: { 'A=B': 'c' } })
    containers.launch({ ...aContainer({ containerId: 'c-3' }), command: { argv: [] } })
    t.deepEqual(log.events, [], 'no event from inside a call')
    await log.until('launch-failed', 'c-1', 'c-2', 'c-3')
    t.deepEqual(log.events, [
      { kind: 'launch-failed', containerId: 'c-1', why: 'word 1 of the command holds a NUL byte' },
      {
        kind: 'launch-failed',
        containerId: 'c-2',
        why: 'no environment variable can be named "A=B"',
      },
      { kind: 'launch-failed', containerId: 'c-3', why: 'the command is empty' },
    ])
  })
}

function kills(test: TestFn, name: string, machineOf: () => Machine): void {
  test(`${name}: a kill ends a task by SIGTERM, long before its grace is over`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch(aContainer({ output: 'ready' }))
    await log.until('started', 'c-1')
    await machine.written(aContainer({ output: 'ready' }))
    containers.kill('c-1', 600_000)
    t.is(log.events.length, 1, 'no event from inside a call')
    await log.until('ended', 'c-1')
    t.like(log.events[1], { exit: { signal: 'SIGTERM' } })
  })

  for (const [title, graces] of [
    ['a task that ignores SIGTERM gets SIGKILL after its grace', [100]],
    ['without grace SIGKILL comes at once', [0]],
    ['a second kill shortens the grace', [600_000, 100]],
    ['a second kill never prolongs the grace', [100, 600_000]],
  ] as const) {
    test(`${name}: ${title}`, async (t) => {
      await using machine = machineOf()
      const { containers, log } = await opened(machine)
      const spec = aContainer({ ignoresTerm: true, output: 'ready' })
      containers.launch(spec)
      await log.until('started', 'c-1')
      await machine.written(spec)
      for (const graceMs of graces) containers.kill('c-1', graceMs)
      await log.until('ended', 'c-1')
      t.like(log.events[1], { exit: { signal: 'SIGKILL' } })
    })
  }
}

function killsAtTheEdges(test: TestFn, name: string, machineOf: () => Machine): void {
  test(`${name}: a kill in the turn of the launch lets no process come to be`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch(aContainer())
    containers.kill('c-1', 1000)
    await log.until('launch-failed', 'c-1')
    containers.launch(aContainer({ containerId: 'c-2', exit: 0 }))
    await log.until('ended', 'c-2')
    t.deepEqual(
      log.events.map(({ kind }) => kind),
      ['launch-failed', 'started', 'ended'],
    )
  })

  test(`${name}: to kill or destroy what is unknown or over changes nothing`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.kill('nobody', 0)
    await containers.destroy('nobody')
    containers.launch(aContainer({ exit: 0 }))
    await log.until('ended', 'c-1')
    containers.kill('c-1', 0)
    await containers.destroy('c-1')
    await containers.destroy('c-1')
    t.is(log.events.length, 2)
  })

  test(`${name}: of a running container that is destroyed nothing more is heard`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch(aContainer({ ignoresTerm: true }))
    await log.until('started', 'c-1')
    await Promise.all([containers.destroy('c-1'), containers.destroy('c-1')])
    containers.launch(aContainer({ containerId: 'c-2', exit: 0 }))
    await log.until('ended', 'c-2')
    t.deepEqual(log.of('c-1'), [started('c-1')])
    const after = await reopened(machine, containers)
    t.deepEqual(
      after.found.map(({ containerId }) => containerId),
      ['c-2'],
    )
  })
}

function recovery(test: TestFn, name: string, machineOf: () => Machine): void {
  test(`${name}: a running task outlives its agent and ends under the next one`, async (t) => {
    await using machine = machineOf()
    const first = await opened(machine)
    first.containers.launch(aContainer())
    await first.log.until('started', 'c-1')
    const { containers, log, found } = await reopened(machine, first.containers)
    const sandbox = aSandbox('task-of-c-1')
    t.deepEqual(found, [{ containerId: 'c-1', sandbox, state: { kind: 'running' } }])
    containers.kill('c-1', 0)
    await log.until('ended', 'c-1')
    t.deepEqual(log.events, [{ kind: 'ended', containerId: 'c-1', exit: { signal: 'SIGKILL' } }])
    t.is(first.log.events.length, 1, 'the closed one says nothing')
  })

  test(`${name}: a task that ended unseen is found with its true exit, each time`, async (t) => {
    await using machine = machineOf()
    const first = await opened(machine)
    first.containers.launch(aContainer({ exit: 7 }))
    await first.log.until('started', 'c-1')
    await first.containers.close()
    await machine.endUnseen('c-1')
    const second = await reopened(machine, first.containers)
    t.deepEqual(second.found[0]?.state, { kind: 'ended', exit: { code: 7 } })
    const third = await reopened(machine, second.containers)
    t.deepEqual(third.found, second.found)
    t.deepEqual([...second.log.events, ...third.log.events], [])
    await third.containers.destroy('c-1')
    t.deepEqual((await reopened(machine, third.containers)).found, [])
  })

  test(`${name}: a launch cut off by the agent's death is found and is over once`, async (t) => {
    await using machine = machineOf()
    const first = await opened(machine)
    first.containers.launch(aContainer({ exit: 0 }))
    const { log, found } = await reopened(machine, first.containers)
    t.is(found.length, 1)
    if (found[0]?.state.kind === 'running') await log.until('ended', 'c-1')
    t.true(log.events.filter(({ kind }) => kind !== 'started').length <= 1)
  })

  test(`${name}: after a container was killed unborn it is never started, ever`, async (t) => {
    await using machine = machineOf()
    const first = await opened(machine)
    first.containers.launch(aContainer())
    first.containers.kill('c-1', 0)
    const { found } = await reopened(machine, first.containers)
    t.deepEqual(found[0]?.state, { kind: 'never-started' })
  })
}

function looks(test: TestFn, name: string, machineOf: () => Machine): void {
  test(`${name}: what lies in a sandbox is listed and read, also after its task`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    const { sandbox, ...spec } = aContainer({ exit: 0, output: 'hello' })
    containers.launch({ sandbox, ...spec })
    await log.until('ended', 'c-1')
    await containers.destroy('c-1')
    const { launch: _, ...newest } = sandbox
    const look = (path: string, want: 'list' | 'read', of: LookInto['sandbox'] = newest) =>
      all(
        machine.sandboxes().lookInto({
          sandbox: of,
          look: { path: Buffer.from(path), want, offset: 0, bytesMax: 100 },
        }),
      )
    const [listed] = await look('', 'list')
    const entries = listed?.kind === 'folder' ? listed.entries : []
    t.true(
      entries.some(({ name: found, sizeBytes }) => text(found) === 'stdout' && sizeBytes === 5),
    )
    const [read] = await look('stdout', 'read', sandbox)
    t.is(read?.kind === 'file' ? text(read.data) : read?.kind, 'hello')
    t.like(await look('nothing', 'read'), [{ kind: 'refused', why: 'not-found' }])
    t.like(await look('../stdout', 'read'), [{ kind: 'refused', why: 'bad-path' }])
    t.like(await look('', 'read'), [{ kind: 'refused', why: 'not-a-file' }])
    const other = { ...newest, taskId: 'another' as SandboxName['taskId'] }
    t.like(await look('', 'list', other), [{ kind: 'refused', why: 'not-found' }])
  })
}

function outputs(test: TestFn, name: string, machineOf: () => Machine): void {
  test(`${name}: output is read in parts, and its end is known`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    const spec = aContainer({ exit: 0, output: 'hello, you' })
    containers.launch(spec)
    await log.until('ended', 'c-1')
    const parts = [0, 5, 10, 99].map(async (offset) => {
      const part = await outputOf(machine, spec, offset)
      return [text(part?.bytes), part?.sizeBytes, part?.end]
    })
    t.deepEqual(await Promise.all(parts), [
      ['hello', 10, false],
      [', you', 10, true],
      ['', 10, true],
      ['', 10, true],
    ])
  })

  test(`${name}: while a task runs its output has no end`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    const spec = aContainer({ output: 'hi' })
    containers.launch(spec)
    await log.until('started', 'c-1')
    await machine.written(spec)
    const part = await outputOf(machine, spec)
    t.deepEqual([text(part?.bytes), part?.end], ['hi', false])
    await reopened(machine, containers)
    t.is((await outputOf(machine, spec))?.end, false)
  })

  test(`${name}: output outlives its container, and goes with its sandbox`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    const spec = aContainer({ exit: 0, output: 'hi' })
    containers.launch(spec)
    await log.until('ended', 'c-1')
    await containers.destroy('c-1')
    t.like(await outputOf(machine, spec), { sizeBytes: 2, end: true })
    await machine.sandboxes().remove(spec.sandbox)
    await machine.sandboxes().remove(spec.sandbox)
    t.is(await outputOf(machine, spec), undefined)
  })

  test(`${name}: of a task launched twice the newer output is read, or the one named`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    const ofLaunch = (count: number, output: string) =>
      aContainer({ containerId: `c-${count}`, taskId: 't', launch: `9-${count}`, exit: 0, output })
    const [first, second] = [ofLaunch(2, 'old'), ofLaunch(1, 'new')]
    containers.launch(first)
    await log.until('ended', 'c-2')
    containers.launch(second)
    await log.until('ended', 'c-1')
    t.is(text((await outputOf(machine, first))?.bytes), 'new')
    const { launch } = first.sandbox
    const named = {
      sandbox: first.sandbox,
      launch,
      stream: 'stdout',
      offset: 0,
      bytesMax: 9,
    } as const
    t.is(text((await machine.sandboxes().readOutput(named))?.bytes), 'old')
    t.is(await outputOf(machine, aContainer({ taskId: 'nobody' })), undefined)
  })
}

function checks(test: TestFn, name: string, machineOf: () => Machine): void {
  const ok = { argv: ['sh', '-c', 'test "$BOURSE_TASK_ID"'] }
  const run = { containerId: 'c-1', which: 'check', timeoutMs: 20_000 } as const

  for (const [turn, command, seen] of [
    ['ok', ok, { exit: { code: 0 } }],
    ['fail', { shell: 'exit 1' }, { exit: { code: 1 } }],
  ] as const) {
    test(`${name}: of a check that does ${turn} is told how it exits`, async (t) => {
      await using machine = machineOf()
      const { containers, log } = await opened(machine)
      containers.launch(aContainer({ checks: turn }))
      await log.until('started', 'c-1')
      containers.check({ ...run, probe: { command } })
      t.is(log.events.length, 1, 'no event from inside a call')
      await log.until('checked', 'c-1')
      const told = { kind: 'checked', containerId: 'c-1', which: 'check', seen }
      t.deepEqual(log.events, [started('c-1'), told])
    })
  }

  test(`${name}: a check that takes too long has failed, and its task runs on`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch(aContainer({ checks: 'late' }))
    await log.until('started', 'c-1')
    containers.check({ ...run, timeoutMs: 50, probe: { command: { shell: 'sleep 600' } } })
    await log.until('checked', 'c-1')
    t.like(log.events[1], { seen: { failed: 'it took longer than 50 ms' } })
    containers.kill('c-1', 0)
    await log.until('ended', 'c-1')
  })

  test(`${name}: a check is run for the next agent too`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch(aContainer({ checks: 'ok' }))
    await log.until('started', 'c-1')
    const again = await reopened(machine, containers)
    again.containers.check({ ...run, probe: { command: ok } })
    await again.log.until('checked', 'c-1')
    t.like(again.log.events[0], { seen: { exit: { code: 0 } } })
  })

  test(`${name}: of a task that ends nothing is told after its end`, async (t) => {
    await using machine = machineOf()
    const { containers, log } = await opened(machine)
    containers.launch(aContainer({ checks: 'late' }))
    await log.until('started', 'c-1')
    containers.check({ ...run, timeoutMs: 0, probe: { command: { shell: 'sleep 600' } } })
    containers.kill('c-1', 0)
    await log.until('ended', 'c-1')
    containers.check({ ...run, probe: { command: ok } })
    containers.check({ ...run, containerId: 'c-2', probe: { command: ok } })
    containers.launch(aContainer({ containerId: 'c-3', exit: 0 }))
    await log.until('ended', 'c-3')
    const after = log.events.slice(log.events.findIndex(({ kind }) => kind === 'ended'))
    t.false(after.some(({ kind }) => kind === 'checked'))
  })
}

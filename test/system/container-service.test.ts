/** What only a real container service shows: images, networks, its own death. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type {
  Containerizer,
  ContainerSpec,
} from '../../agent-runtime/containerizer/containerizer.ts'
import type { Usage } from '../../agent-runtime/isolator/hold.ts'
import { sleep, systemClock } from '../../bus/clock.ts'
import type { DockerContainer } from '../../protocol/schema/task-container.ts'
import { AN_IMAGE, ContainerService, containerServiceNeed } from '../support/container-service.ts'
import {
  aContainer,
  aSandbox,
  EventLog,
  fileHolds,
  type RealMachine,
} from '../support/containers.ts'
import { dockerAlone, dockerMachine } from '../support/docker-machine.ts'
import { freePort } from '../support/free-ports.ts'
import { needs, TIME } from '../support/needs.ts'

const need = containerServiceNeed()
let service: ContainerService

test.before(async () => {
  if (need.found && TIME.found) service = await ContainerService.open()
})
test.after.always(() => service?.[Symbol.asyncDispose]())

interface Room {
  readonly machine: RealMachine
  readonly log: EventLog
  readonly containers: Containerizer
}

function here(title: string, run: (t: ExecutionContext, room: Room) => Promise<void>): void {
  test.serial(title, async (t) => {
    if (!needs(t, need) || !needs(t, TIME)) return
    await using machine = dockerMachine(service)
    const log = new EventLog(machine)
    const containers = await machine.open(log.onEvent)
    await containers.recover()
    await run(t, { machine, log, containers })
  })
}

async function reopened({ machine, containers }: Room) {
  await containers.close()
  const log = new EventLog(machine)
  const next = await machine.open(log.onEvent)
  return { containers: next, log, found: await next.recover() }
}

const anImage = (more: Partial<DockerContainer> = {}): DockerContainer => ({
  kind: 'docker',
  image: AN_IMAGE,
  network: 'none',
  ...more,
})

const shellTask = (shell: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  ...aContainer(),
  command: { shell },
  ...more,
})

const fileOf = ({ machine }: Room, spec: ContainerSpec, name: string): Buffer =>
  readFileSync(join(machine.sandboxPath(spec), name))

for (const [what, more, sentence] of [
  ['an image that is not there', { container: anImage({ image: 'localhost/nobodys' }) }, /nobodys/],
  ['a user whom the image does not know', { user: 'fred' }, /fred/],
  [
    'a volume that is not there',
    {
      container: anImage({ volumes: [{ hostPath: '/none', containerPath: '/x', readOnly: true }] }),
    },
    /\/none/,
  ],
  [
    'a volume with dots',
    {
      container: anImage({ volumes: [{ hostPath: '/a/..', containerPath: '/x', readOnly: true }] }),
    },
    /absolute path without "\.\.", not "\/a\/\.\."/,
  ],
  [
    'a port that it was not given',
    {
      container: anImage({
        network: 'bridge',
        portMappings: [{ hostPort: 80, containerPort: 80 }],
      }),
    },
    /port 80 is none of those/,
  ],
] as const) {
  here(`a task with ${what} fails with the sentence and leaves nothing`, async (t, room) => {
    const { containers, log } = room
    containers.launch({ ...aContainer(), ...more })
    await log.until('launch-failed', 'c-1')
    const [event] = log.events
    t.regex(event?.kind === 'launch-failed' ? event.why : '', sentence)
    await containers.destroy('c-1')
    t.deepEqual(await service.containers(), [])
  })
}

here('a service that is not there fails a launch with its name', async (t, { machine }) => {
  const log = new EventLog(machine)
  let heard = () => {}
  const first = new Promise<void>((resolve) => {
    heard = resolve
  })
  const workDir = join(machine.workDir, 'elsewhere')
  const containers = dockerAlone(t, {
    workDir,
    socketPath: '/nowhere/socket',
    clock: systemClock,
    onEvent(event) {
      log.onEvent(event)
      heard()
    },
  })
  t.deepEqual(await containers.recover(), [])
  containers.launch({ ...aContainer(), container: anImage() })
  await first
  t.like(log.events[0], {
    why: 'no container could be made: the container service at /nowhere/socket does not answer (ENOENT)',
  })
  await containers.close()
})

here('output of any bytes is whole, over a restart of the agent', async (t, room) => {
  const write = 'head -c 300000 /dev/urandom | tee -a copy$1 >&$1'
  const spec = shellTask(
    `cd "$BOURSE_SANDBOX"; w() { ${write}; }; w 1; w 2; touch half
     while [ ! -e go ]; do sleep 0.1; done; w 1; w 2; printf 'no newline'; exit 5`,
  )
  room.containers.launch(spec)
  await fileHolds(join(room.machine.sandboxPath(spec), 'half'), /^$/)
  const { log } = await reopened(room)
  writeFileSync(join(room.machine.sandboxPath(spec), 'go'), '')
  await log.until('ended', 'c-1')
  t.deepEqual(log.events, [{ kind: 'ended', containerId: 'c-1', exit: { code: 5 } }])
  const copy = Buffer.concat([fileOf(room, spec, 'copy1'), Buffer.from('no newline')])
  t.true(copy.equals(fileOf(room, spec, 'stdout')))
  t.true(fileOf(room, spec, 'copy2').equals(fileOf(room, spec, 'stderr')))
})

here(
  'tasks go on without their service, and their ends are told when it is back',
  async (t, room) => {
    const { containers, log } = room
    const short = shellTask('sleep 1; echo late; exit 4')
    const long = shellTask('sleep 600', { containerId: 'c-2', sandbox: aSandbox('task-2') })
    containers.launch(short)
    containers.launch(long)
    await log.until('started', 'c-1', 'c-2')
    await service.stop()
    containers.kill('c-2', 100)
    containers.launch(aContainer({ containerId: 'c-3' }))
    await log.until('launch-failed', 'c-3')
    await service.start()
    await log.until('ended', 'c-1', 'c-2')
    t.like(log.of('c-1')[1], { exit: { code: 4 } })
    t.like(log.of('c-2')[1], { exit: { signal: 'SIGKILL' } })
    t.is(fileOf(room, short, 'stdout').toString(), 'late\n')
  },
)

here('a task has its environment, entry point, user, volume and limits', async (t, room) => {
  const { containers, log, machine } = room
  writeFileSync(join(machine.workDir, 'given'), 'from outside')
  const spec: ContainerSpec = {
    ...aContainer(),
    command: {
      argv: ['-c', 'id -u; pwd; cat /given; echo; env; touch "$BOURSE_SANDBOX/mine"; ulimit -n'],
    },
    env: { A_WORD: 'it\'s "$(id)", é' },
    ports: [31_000],
    user: '65534',
    limits: { cpus: 0.5, cpusMax: 0.5, memBytes: 64 * 2 ** 20, pidsMax: 20 },
    container: anImage({
      entryPoint: ['/bin/sh'],
      volumes: [
        { hostPath: join(machine.workDir, 'given'), containerPath: '/given', readOnly: true },
      ],
    }),
  }
  containers.launch(spec)
  await log.until('ended', 'c-1')
  const lines = fileOf(room, spec, 'stdout').toString().split('\n')
  t.deepEqual(
    lines.slice(0, 3),
    ['65534', '/', 'from outside'],
    fileOf(room, spec, 'stderr').toString(),
  )
  t.true(lines.includes(`A_WORD=it's "$(id)", é`))
  t.true(lines.includes('PORT0=31000'))
  t.true(lines.includes('BOURSE_SANDBOX=/mnt/bourse/sandbox'))
  t.is(fileOf(room, spec, 'mine').length, 0)
  const [name] = await service.containers()
  const { body } = await service.api.call({ method: 'GET', path: `/containers/${name}/json` })
  t.like((body as { HostConfig: object }).HostConfig, {
    NanoCpus: 500_000_000,
    Memory: 64 * 2 ** 20,
    PidsLimit: 20,
  })
})

const HOG = 'tail /dev/zero'
const aHog = (shell: string): ContainerSpec =>
  shellTask(shell, { limits: { memBytes: 40 * 2 ** 20 } })
const OUT_OF_MEMORY = {
  reason: 'CONTAINER_LIMITATION_MEMORY',
  message: 'out of memory: its limit is 40 MiB, it had 40 MiB at most',
  ends: true,
} as const

here('who wants more memory than it may have ends with limit and use', async (t, room) => {
  const { containers, log } = room
  containers.launch(aHog(`exec ${HOG}`))
  await log.until('ended', 'c-1')
  const event = log.events.at(-1)
  t.like(event, { exit: { code: 137 }, limit: OUT_OF_MEMORY })
  const { found } = await reopened(room)
  t.like(found[0]?.state, { limit: OUT_OF_MEMORY })
})

here('what ran out of memory while its agent was away is told with the reason', async (t, room) => {
  room.containers.launch(aHog(`sleep 2; ${HOG}`))
  await room.log.until('started', 'c-1')
  await room.containers.close()
  await room.machine.endUnseen('c-1')
  const { found } = await reopened(room)
  t.like(found[0]?.state, { kind: 'ended', limit: OUT_OF_MEMORY })
})

here('a task whose child was ended for its memory is ended too', async (t, room) => {
  room.containers.launch(aHog(`${HOG}; exec sleep 600`))
  await room.log.until('ended', 'c-1')
  t.like(room.log.events.at(-1), { limit: { reason: 'CONTAINER_LIMITATION_MEMORY' } })
})

here('what a task uses is told while it runs', async (t, { containers, log }) => {
  containers.launch(shellTask('while :; do :; done'))
  await log.until('started', 'c-1')
  let usage: Usage = {}
  while ((usage.cpuMs ?? 0) < 50) {
    await sleep(50)
    usage = (await containers.usage('c-1')) ?? {}
  }
  t.true((usage.memBytes ?? 0) > 0)
  t.true((usage.pids ?? 0) > 0)
})

here('who fills its sandbox is ended, with limit and use, over a restart', async (t, room) => {
  const MIB = 1024 * 1024
  const spec = shellTask(
    `cd "$BOURSE_SANDBOX"; touch ready; while [ ! -e go ]; do sleep 0.1; done
     while :; do head -c 1048576 /dev/zero >>full; done`,
    { limits: { diskBytes: 8 * MIB } },
  )
  room.containers.launch(spec)
  await fileHolds(join(room.machine.sandboxPath(spec), 'ready'), /^$/)
  const { log } = await reopened(room)
  writeFileSync(join(room.machine.sandboxPath(spec), 'go'), '')
  await log.until('ended', 'c-1')
  const event = log.events.at(-1)
  const limit = event?.kind === 'ended' ? event.limit : undefined
  t.is(limit?.reason, 'CONTAINER_LIMITATION_DISK')
  t.regex(limit?.message ?? '', /^too much disk: its limit is 8 MiB, it took \d/)
})

here('a file without a name counts, and output is as long as was asked', async (t, room) => {
  const { containers, log, machine } = room
  const spec = shellTask(
    `cd "$BOURSE_SANDBOX"; exec 3>gone; rm gone; head -c 3000000 /dev/zero >&3
     i=0; while [ $i -lt 30000 ]; do echo $i; i=$((i+1)); done; echo >done; exec sleep 600`,
    { env: { CONTAINER_LOGGER_MAX_STDOUT_SIZE: '64KB' } },
  )
  containers.launch(spec)
  await fileHolds(join(machine.sandboxPath(spec), 'done'), /\n/)
  await log.until('started', 'c-1')
  let usage: Usage = {}
  while ((usage.diskBytes ?? 0) < 3_000_000) {
    await sleep(50)
    usage = (await containers.usage('c-1')) ?? {}
  }
  containers.kill('c-1', 0)
  await log.until('ended', 'c-1')
  const { sandbox } = spec
  const all = Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join('')
  const request = { sandbox, stream: 'stdout', offset: 10, bytesMax: 1_000_000 } as const
  const output = await machine.sandboxes().readOutput(request)
  t.true((output?.goneBytes ?? 0) > 0)
  t.is(Buffer.from(output?.bytes ?? '').toString(), all.slice(10 + (output?.goneBytes ?? 0)))
})

here('a mapped port leads from the machine into the network "bridge"', async (t, room) => {
  const { containers, log } = room
  const hostPort = await freePort()
  const spec: ContainerSpec = {
    ...shellTask('echo ready; while :; do echo hello | nc -l -p 80; done'),
    ports: [hostPort],
    container: anImage({ network: 'bridge', portMappings: [{ hostPort, containerPort: 80 }] }),
  }
  containers.launch(spec)
  await log.until('started', 'c-1')
  await room.machine.written(spec)
  let answer = ''
  while (answer === '') {
    answer = await readAll(hostPort)
    if (answer === '') await sleep(50)
  }
  t.is(answer, 'hello\n')
  for (const port of [hostPort, 80]) {
    // Between two connections nobody listens there.
    for (let isConnected = false; !isConnected; ) {
      log.events.splice(1)
      const probe = { tcp: { port } }
      containers.check({ containerId: 'c-1', which: 'check', timeoutMs: 0, probe })
      await log.until('checked', 'c-1')
      const [, event] = log.events
      isConnected = event?.kind === 'checked' && 'connected' in event.seen && event.seen.connected
    }
    t.pass()
  }
})

here('of a check that is late no process is left, and what one says is told', async (t, room) => {
  const { containers, log } = room
  containers.launch(aContainer())
  await log.until('started', 'c-1')
  const run = { containerId: 'c-1', which: 'check' } as const
  for (const [shell, timeoutMs, seen] of [
    ["trap '' TERM; sleep 61733 & sleep 61733", 1_000, { failed: 'it took longer than 1000 ms' }],
    ['echo " a  word" >&2; exit 3', 0, { exit: { code: 3 }, said: 'a word' }],
  ] as const) {
    log.events.splice(1)
    containers.check({ ...run, timeoutMs, probe: { command: { shell } } })
    await log.until('checked', 'c-1')
    t.like(log.events[1], { seen })
    t.deepEqual(sleepers(), [])
  }
})

here(
  'who ignores SIGTERM, leaves his session and his parents dies with his task',
  async (t, room) => {
    const { containers, log, machine } = room
    const spec = shellTask(
      `trap '' TERM; setsid env -i sh -c '(sleep 61733 &) ; echo out; sleep 61733' & wait`,
    )
    containers.launch(spec)
    await log.until('started', 'c-1')
    await machine.written(spec)
    t.is(sleepers().length, 2)
    containers.kill('c-1', 100)
    await log.until('ended', 'c-1')
    t.like(log.events[1], { exit: { signal: 'SIGKILL' } })
    t.deepEqual(sleepers(), [])
  },
)

here('what nobody knows any more is removed by the next agent', async (t, room) => {
  room.containers.launch(aContainer())
  await room.log.until('started', 'c-1')
  await room.containers.close()
  rmSync(join(room.machine.workDir, 'docker'), { recursive: true })
  const { found } = await reopened(room)
  t.deepEqual(found, [])
  while ((await service.containers()).length > 0) await sleep(50)
})

here(
  'a container that somebody removes has ended, nobody knows how',
  async (t, { containers, log }) => {
    containers.launch(aContainer())
    await log.until('started', 'c-1')
    const [name] = await service.containers()
    await service.api.call({ method: 'DELETE', path: `/containers/${name}?force=true` })
    await log.until('ended', 'c-1')
    t.is(log.events[1]?.kind, 'ended')
  },
)

here('a link in the place of its output leads nobody out of the sandbox', async (t, room) => {
  const victim = join(room.machine.workDir, 'victim')
  writeFileSync(victim, 'untouched')
  const spec = shellTask(
    `cd "$BOURSE_SANDBOX"; rm stdout; ln -s "${victim.replaceAll(/["$]/g, '\\$&')}" stdout
     touch done; while [ ! -e go ]; do sleep 0.1; done; echo gotcha`,
  )
  room.containers.launch(spec)
  await fileHolds(join(room.machine.sandboxPath(spec), 'done'), /^$/)
  const { log } = await reopened(room)
  writeFileSync(join(room.machine.sandboxPath(spec), 'go'), '')
  await log.until('ended', 'c-1')
  t.is(readFileSync(victim, 'utf8'), 'untouched')
})

function readAll(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (bytes) => {
      text += bytes.toString()
    })
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
}

/** Of this machine, whatever their namespace. */
function sleepers(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x0061733\0'
    } catch {
      // No process, or gone.
      return false
    }
  })
}

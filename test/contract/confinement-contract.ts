/**
 * What a task may do and see, proved by the task itself on the kernel, whatever a kill reaches.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import type { ContainerSpec } from '../../agent-runtime/containerizer/containerizer.ts'
import type { Containerizers } from '../../agent-runtime/containerizer/containerizers.ts'
import type { Namespace } from '../../protocol/linux.ts'
import {
  aContainer,
  fileHolds,
  type Opened,
  opened,
  processesAreGone,
  type RealMachine,
} from '../support/containers.ts'
import { needs } from '../support/needs.ts'

interface Here extends Opened<Containerizers> {
  readonly machine: RealMachine
}

type Case = readonly [
  title: string,
  isolators: readonly string[],
  run: (t: ExecutionContext, here: Here) => Promise<void>,
]

export function confinementContract(
  test: TestFn,
  name: string,
  machineOf: () => RealMachine,
): void {
  for (const [title, isolators, run] of [...RIGHTS, ...NAMESPACES_OF_ONE, ...GROUPS]) {
    test(`${name}: ${title}`, async (t) => {
      await using machine = machineOf()
      const here = { machine, ...(await opened(machine)) }
      const lacking = isolators.filter((one) => !here.containers.isolators.includes(one))
      const isHere = { name: `isolator ${lacking.join(', ')}`, found: lacking.length === 0 }
      if (needs(t, isHere)) await run(t, here)
    })
  }
}

type Asked = Pick<ContainerSpec, 'rlimits' | 'linux' | 'group' | 'user'>

const running = (shell: string, asked: Asked, containerId = 'c-1'): ContainerSpec => ({
  ...aContainer({ containerId, launch: `1-00-${containerId}` }),
  command: { shell },
  ...asked,
})

const alone = (...namespaces: Namespace[]): Asked => ({ linux: { namespaces } })

const output = (machine: RealMachine, spec: ContainerSpec): string =>
  readFileSync(join(machine.sandboxPath(spec), 'stdout'), 'utf8')

/** What a task wrote that ended well. */
async function said({ machine, containers, log }: Here, spec: ContainerSpec): Promise<string> {
  containers.launch(spec)
  await machine.until(() =>
    log.of(spec.containerId).some(({ kind }) => kind === 'ended' || kind === 'launch-failed'),
  )
  const end = log.of(spec.containerId).at(-1)
  if (end?.kind !== 'ended' || !('code' in end.exit) || end.exit.code !== 0) {
    const stderr = join(machine.sandboxPath(spec), 'stderr')
    const words = existsSync(stderr) ? readFileSync(stderr, 'utf8') : ''
    throw new Error(`${JSON.stringify(end)} ${words}`)
  }
  return output(machine, spec)
}

/** What a command that checks a running container sees. */
async function checked({ containers, log, machine }: Here, shell: string) {
  const before = log.events.length
  const probe = { command: { shell } }
  containers.check({ containerId: 'c-1', which: 'check', timeoutMs: 60_000, probe })
  await machine.until(() => log.events.slice(before).some(({ kind }) => kind === 'checked'))
  return log.events.slice(before).find(({ kind }) => kind === 'checked')
}

const well = { seen: { exit: { code: 0 } } } as const

const LIMITED: Asked = {
  rlimits: [
    { type: 'nofile', soft: 256, hard: 512 },
    { type: 'core', soft: 0, hard: 0 },
  ],
}

const RIGHTS: readonly Case[] = [
  [
    'each process has the rlimits that were asked for, and a check too',
    ['rlimits'],
    async (t, here) => {
      const spec = running('ulimit -Sn; ulimit -Hn; ulimit -Sc; echo; exec sleep 600', LIMITED)
      here.containers.launch(spec)
      await here.log.until('started', 'c-1')
      await fileHolds(join(here.machine.sandboxPath(spec), 'stdout'), /\n\n/)
      t.is(output(here.machine, spec), '256\n512\n0\n\n')
      t.like(await checked(here, 'test "$(ulimit -Sn) $(ulimit -Hn)" = "256 512"'), well)
    },
  ],
  [
    'an rlimit above what the agent may give is refused by name',
    ['rlimits'],
    async (t, { containers, log }) => {
      containers.launch(running('true', { rlimits: [{ type: 'nofile' }] }))
      await log.until('launch-failed', 'c-1')
      const [event] = log.events
      const why = event?.kind === 'launch-failed' ? event.why : ''
      t.regex(why, /^the agent cannot give it the rlimit nofile of unlimited, but \d+ at most$/)
    },
  ],
  [
    'root keeps the capabilities that it asked for, and gets no new privileges',
    ['capabilities', 'no-new-privileges'],
    async (t, here) => {
      const linux = { capabilities: ['net_bind_service', 'kill'], noNewPrivileges: true } as const
      const spec = running("grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status", {
        linux: { ...linux, capabilities: [...linux.capabilities] },
      })
      const both = (1n << 10n) | (1n << 5n)
      const hex = both.toString(16).padStart(16, '0')
      t.is(await said(here, spec), `CapEff:\t${hex}\nCapBnd:\t${hex}\nNoNewPrivs:\t1\n`)
    },
  ],
  [
    'another user keeps just these, too, and none if none are asked for',
    ['capabilities'],
    async (t, here) => {
      const script = 'grep CapEff /proc/self/status; id -u'
      const linux = { capabilities: ['net_bind_service' as const] }
      const some = running(script, { user: 'nobody', linux })
      t.is(await said(here, some), 'CapEff:\t0000000000000400\n65534\n')
      const none = running('grep CapEff /proc/self/status', { linux: { capabilities: [] } }, 'c-2')
      t.is(await said(here, none), 'CapEff:\t0000000000000000\n')
    },
  ],
]

const NAMESPACES_OF_ONE: readonly Case[] = [
  [
    'a task with its own processes sees no others, and none of them is left',
    ['pid-namespace'],
    async (t, here) => {
      const { machine, containers, log } = here
      const script = 'sleep 600 & set -- /proc/[0-9]*; echo $#; cat /proc/1/comm; exec sleep 600'
      const spec = running(script, alone('pid'))
      containers.launch(spec)
      await log.until('started', 'c-1')
      await fileHolds(join(machine.sandboxPath(spec), 'stdout'), /sh\n/)
      // The recording parent, the task and its job.
      t.is(output(machine, spec), '3\nsh\n')
      t.like(await checked(here, 'test "$(cat /proc/1/comm)" = sh'), well)
      containers.kill('c-1', 600_000)
      await log.until('ended', 'c-1')
      t.like(log.of('c-1').at(-1), { exit: { signal: 'SIGTERM' } })
      await containers.destroy('c-1')
      await processesAreGone(machine.workDir)
      t.pass('nothing of it is left')
    },
  ],
  [
    'a task with its own files leaves none on the machine, but in its sandbox',
    ['mount-namespace'],
    async (t, here) => {
      const name = `bourse-${process.pid}-mine`
      const places = ['/tmp', '/var/tmp', '/dev/shm'].filter((path) => existsSync(path))
      const script = [
        `for at in ${places.join(' ')}; do echo mine >$at/${name} || exit; done`,
        'test -e "$BOURSE_SANDBOX/stdout" && pwd',
        'stat -c %a /tmp /dev/shm',
      ].join('\n')
      const spec = running(script, alone('mount'))
      const path = here.machine.sandboxPath(spec)
      t.is(await said(here, spec), `${path}\n1777\n1777\n`)
      for (const place of places) t.false(existsSync(join(place, name)), place)
      t.is(readFileSync(join(path, '.private', 'tmp', name), 'utf8'), 'mine\n')
      t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes('.private'))
      await here.containers.destroy('c-1')
      await here.machine.sandboxes().remove(spec.sandbox)
      t.false(existsSync(path))
    },
  ],
  [
    'a task with its own network has a loopback that works, and nothing else',
    ['network-namespace'],
    async (t, here) => {
      const script = `grep -c : /proc/net/dev; ${CONNECTS_TO_ITSELF}`
      t.is(await said(here, running(script, alone('network'))), '1\nhello\n')
    },
  ],
  [
    'checks look from inside, also over the network and under the next agent',
    ['pid-namespace', 'mount-namespace', 'network-namespace'],
    async (t, here) => {
      const { machine, log } = here
      const port = await freePort()
      const listens = `require("http").createServer((_, answer) => { answer.statusCode = 204; answer.end() }).listen(${port}, () => console.log("up"))`
      const script = `echo yes >/tmp/mine; exec ${quoted(process.execPath)} -e '${listens}'`
      const spec = running(script, alone('pid', 'mount', 'network'))
      here.containers.launch(spec)
      await log.until('started', 'c-1')
      await fileHolds(join(machine.sandboxPath(spec), 'stdout'), /up\n/)
      await here.containers.close()
      const next = { machine, ...(await opened(machine)) }
      const inside = 'test -e /tmp/mine && test "$(grep -c : /proc/net/dev)" = 1'
      t.like(await checked(next, inside), well)
      for (const [probe, seen] of [
        [{ http: { port } }, { statusCode: 204 }],
        [{ tcp: { port } }, { connected: true }],
        [{ tcp: { port: port === 1 ? 2 : 1 } }, { connected: false }],
      ] as const) {
        const before = next.log.events.length
        const run = { containerId: 'c-1', which: 'health-check', timeoutMs: 60_000 } as const
        next.containers.check({ ...run, probe })
        await machine.until(() => next.log.events.length > before)
        t.like(next.log.events.at(-1), { seen })
      }
      next.containers.kill('c-1', 0)
      await next.log.until('ended', 'c-1')
      t.like(next.log.of('c-1').at(-1), { exit: { signal: 'SIGKILL' } })
      await next.containers.destroy('c-1')
      await processesAreGone(machine.workDir)
    },
  ],
]

const GROUPS: readonly Case[] = [
  [
    'tasks of a group share a folder, which goes with the last of their sandboxes',
    [],
    async (t, here) => {
      const group = { id: '1-00-c-1', sharesNetwork: false }
      const writes = running('echo hello >"$BOURSE_GROUP_SANDBOX/word"', { group })
      const reads = running('cat "$BOURSE_GROUP_SANDBOX/word"', { group }, 'c-2')
      await said(here, writes)
      t.is(await said(here, reads), 'hello\n')
      const folder = join(here.machine.workDir, 'sandboxes', '.groups', group.id, 'shared')
      for (const spec of [writes, reads]) {
        t.true(existsSync(join(folder, 'word')))
        await here.containers.destroy(spec.containerId)
        await here.machine.sandboxes().remove(spec.sandbox)
      }
      t.false(existsSync(join(here.machine.workDir, 'sandboxes', '.groups')))
      t.false(existsSync(join(here.machine.workDir, 'sandboxes', '.group-of')))
    },
  ],
  [
    'tasks of a group share a network of their own, and its end is the end of it',
    ['network-namespace'],
    async (t, here) => {
      if (!needs(t, { name: 'root', found: process.getuid?.() === 0 })) return
      const group = { id: '1-00-c-1', sharesNetwork: true }
      const of = { ...alone('network'), group }
      const script = 'readlink /proc/self/ns/net; sleep 600 & wait'
      const specs = [running(script, of), running(script, of, 'c-2')]
      for (const spec of specs) here.containers.launch(spec)
      await here.log.until('started', 'c-1', 'c-2')
      const seen = await Promise.all(
        specs.map(async (spec) => {
          const path = join(here.machine.sandboxPath(spec), 'stdout')
          await fileHolds(path, /\n/)
          return readFileSync(path, 'utf8').trim()
        }),
      )
      t.regex(seen[0] ?? '', /^net:\[\d+\]$/)
      t.is(seen[0], seen[1])
      for (const { containerId } of specs) here.containers.kill(containerId, 0)
      await here.log.until('ended', 'c-1', 'c-2')
      await processesAreGone(here.machine.workDir)
    },
  ],
]

/** A word of its own to itself. */
const CONNECTS_TO_ITSELF = [
  quoted(process.execPath),
  '-e',
  `'const s = require("net").createServer((c) => c.end("hello")).listen(0, "127.0.0.1", () => require("net").connect(s.address().port, "127.0.0.1").on("data", (d) => console.log(String(d))).on("close", () => s.close()))'`,
].join(' ')

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** Nobody on the machine itself listens there. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

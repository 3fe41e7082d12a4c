/** The pieces of the process containerizer that need no process. */
import test from 'ava'
import { environmentOf } from '../../../agent-runtime/containerizer/environment.ts'
import {
  parseLaunchHead,
  renderLaunchFile,
} from '../../../agent-runtime/containerizer/launch-file.ts'
import { parseRecord } from '../../../agent-runtime/containerizer/record.ts'
import { parseCgroupMounts } from '../../../agent-runtime/isolator/cgroups/mounts.ts'
import { killingMounts } from '../../../agent-runtime/isolator/kill/cgroup.ts'
import { isAlive, ownIdentity, readStat } from '../../../agent-runtime/isolator/proc.ts'
import { detectResources, offeredDisk, offeredMem } from '../../../agent-runtime/resources.ts'
import { AN_AGENT, aContainer, aSandbox } from '../../support/containers.ts'

const START = 'start 10 100 11 101\n'
const started = { parent: { pid: 10, startTicks: 100 }, child: { pid: 11, startTicks: 101 } }

for (const [title, text, record] of [
  ['an empty record is claimed', '', { kind: 'claimed' }],
  ['half a line is not there yet', 'start 10 100 1', { kind: 'claimed' }],
  ['a start is a start', START, { kind: 'started', started }],
  ['half an exit is not there yet', `${START}exit 1`, { kind: 'started', started }],
  ['an exit has a code', `${START}exit 3\n`, { kind: 'exited', started, exit: { code: 3 } }],
  [
    'an exit may say when, in seconds from boot',
    `${START}exit 3 12.34\n`,
    { kind: 'exited', started, exit: { code: 3 }, endedTicks: 1_234 },
  ],
  [
    'an exit above 128 without a note is a code',
    `${START}exit 137\n`,
    { kind: 'exited', started, exit: { code: 137 } },
  ],
  [
    'an exit above 128 with a note is a signal',
    `${START}Segmentation fault (core dumped)\nexit 139\n`,
    { kind: 'exited', started, exit: { signal: 'SIGSEGV' } },
  ],
  [
    'a signal without a name has its number',
    `${START}Real-time signal 6\nexit 168\n`,
    { kind: 'exited', started, exit: { signal: 'SIG40' } },
  ],
  [
    'an exit before the start is a failure, with what the shell said',
    "sh: 35: cd: can't cd to /x\nexit 2\n",
    { kind: 'failed', why: "the task's process could not be made: sh: 35: cd: can't cd to /x" },
  ],
  [
    'what was lost says why, and names no process',
    `${START}lost the machine was rebooted\n`,
    { kind: 'exited', exit: { unknown: 'the machine was rebooted' } },
  ],
  [
    'what could not be entered never starts',
    'unshare: unshare failed: No space left on device\n',
    {
      kind: 'failed',
      why: "the task's process could not be made: unshare: unshare failed: No space left on device",
    },
  ],
  ['what was abandoned never starts', 'abandoned so\n', { kind: 'failed', why: 'so' }],
] as const) {
  test(`record: ${title}`, (t) => t.deepEqual(parseRecord(text), record))
}

test('environment: the user wins over defaults and ports, not over BOURSE_ or its GPUs', (t) => {
  const spec = {
    ...aContainer(),
    env: {
      PATH: '/mine',
      PORT1: 'mine',
      BOURSE_SANDBOX: '/mine',
      NVIDIA_VISIBLE_DEVICES: 'all',
      OTHER: 'x',
    },
    ports: [31000, 31005],
    role: 'web',
  }
  const parts = {
    agentId: AN_AGENT,
    sandboxPath: '/box',
    groupPath: '/g',
    told: { NVIDIA_VISIBLE_DEVICES: '0' },
  }
  t.deepEqual(environmentOf(spec, parts), {
    PATH: '/mine',
    HOME: '/box',
    PORT0: '31000',
    PORT1: 'mine',
    PORTS: '31000,31005',
    OTHER: 'x',
    NVIDIA_VISIBLE_DEVICES: '0',
    BOURSE_TASK_ID: 'task-of-c-1',
    BOURSE_FRAMEWORK_ID: 'f-1',
    BOURSE_AGENT_ID: 'agent-1',
    BOURSE_SANDBOX: '/box',
    BOURSE_GROUP_SANDBOX: '/g',
    BOURSE_ROLE: 'web',
  })
})

const aLaunch = {
  sandbox: aSandbox('t'),
  hold: { kind: 'cgroup', path: '/cg/x', how: 'freezer' },
  holds: [{ isolator: 'memory', version: 1, path: '/m/x' }],
  sandboxPath: "/it's/a box",
  namespaces: ['mount'],
  joins: ['/cg/x/tasks', "/it's/x/cgroup.procs"],
  enter: 'unshare --mount',
  isolate: ['mount x || return'],
  command: { argv: ['a=b', "it's\n$(x)"] },
  environment: { A: '`b`' },
  prefix: ['setpriv'],
  envOptions: ['--some'],
} as const

test('launch file: each word stands in quotes, and its head is found again', (t) => {
  const text = renderLaunchFile(aLaunch)
  t.is(
    text.slice(text.indexOf('\n') + 1),
    [
      "sandbox='/it'\\''s/a box'",
      'join() {',
      "  echo 0 >'/cg/x/tasks' || return",
      "  echo 0 >'/it'\\''s/x/cgroup.procs' || return",
      '  :',
      '}',
      'isolate() {',
      '  mount x || return',
      '}',
      "enter='unshare --mount'",
      "session=''",
      "[ \"$check\" ] || set -- '/bin/sh' '-c' 'exec \"$@\"' 'sh' 'a=b' 'it'\\''s\n$(x)'",
      "set -- 'setsid' 'setpriv' 'env' '--some' '-i' 'A=`b`' \"$@\"",
      '',
    ].join('\n'),
  )
  const { sandbox, hold, holds, namespaces } = aLaunch
  t.deepEqual(parseLaunchHead(text), { sandbox, hold, holds, namespaces })
})

test('launch file: one that is not whole is none', (t) => {
  t.is(parseLaunchHead(renderLaunchFile(aLaunch).slice(0, -1)), undefined)
  t.is(parseLaunchHead(''), undefined)
})

test('cgroups: version 2 comes before freezer, freezer before pids, others never', (t) => {
  const mounts = [
    'cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0',
    'cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0',
    'cgroup /sys/fs/a\\040b cgroup rw,freezer 0 0',
    'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0',
  ]
  const found = killingMounts(parseCgroupMounts(mounts.join('\n'))).map(({ mount }) => mount)
  t.deepEqual(found, ['/sys/fs/cgroup/unified', '/sys/fs/a b', '/sys/fs/cgroup/pids'])
  t.deepEqual(killingMounts(parseCgroupMounts('')), [])
})

test('processes: a pid with another start time is somebody else', (t) => {
  const own = ownIdentity()
  t.true(isAlive(own))
  t.false(isAlive({ ...own, startTicks: own.startTicks + 1 }))
  t.is(readStat(own.pid)?.parent, process.ppid)
  t.is(readStat(2 ** 30), undefined)
})

test('resources: a large machine keeps 1 GiB and 5 GiB back, a small one half', (t) => {
  t.deepEqual([2047, 2048, 4096].map(offeredMem), [1023, 1024, 3072])
  t.deepEqual([10_239, 10_240].map(offeredDisk), [5119, 5120])
  const found = detectResources('/')
  t.true(found.cpus >= 1 && found.mem > 0 && found.disk > 0)
  t.true([found.mem, found.disk].every(Number.isSafeInteger))
  t.deepEqual(found.ports, [{ begin: 31_000, end: 32_000 }])
})

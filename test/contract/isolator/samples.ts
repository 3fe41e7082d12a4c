/** For each isolator what a task asks of it, and how the task itself shows that it is held. */
import { strict as assert } from 'node:assert'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerSpec, Exit } from '../../../agent-runtime/containerizer/containerizer.ts'
import type { Held } from '../../../agent-runtime/isolator/held.ts'
import type { LimitHit, Usage } from '../../../agent-runtime/isolator/hold.ts'
import type { IsolatorName } from '../../../agent-runtime/isolator/isolator.ts'
import type { LinuxCapability, Namespace } from '../../../protocol/linux.ts'
import type { IsolatorPlace } from '../../support/isolators.ts'

export type Asks = Partial<Pick<ContainerSpec, 'limits' | 'linux' | 'ports' | 'rlimits' | 'user'>>

export interface Sample {
  /** Without them it does not work. */
  readonly needs: 'cgroups' | 'gpus' | 'nothing'
  readonly asks: Asks
  /** What becomes of a container that asks for nothing. */
  readonly unasked: 'is counted' | 'is told' | 'is limited' | 'is let alone'
  /** More than there is. */
  readonly beyond?: { readonly asks: Asks; readonly why: RegExp }
  /** What is said to another who asks for the same meanwhile. Absent: it gets it, too. */
  readonly taken?: string
  /** Has the kernel keep it from what its limit forbids. */
  readonly hits?: (place: IsolatorPlace, held: Held) => Promise<void>
  /** At least one. */
  readonly proofs: readonly Proof[]
}

/** A task. It finds a folder like /dev with three GPUs in `$GPUS`. */
export type Proof = {
  /** What it shows: the rest of a sentence about the task. */
  readonly title: string
  /** Default: those of the sample. */
  readonly asks?: Asks
  /** Anything but `exit`. */
  readonly shell: string
} & (Sees | Ends | IsTold)

/** It finds itself held, and goes on. */
export interface Sees {
  /** What it writes, where these isolators are. */
  readonly sees: string | ((isolators: readonly string[]) => string)
  /** A command that ends well if a check of it sees the same. */
  readonly check?: string
  /** Is not 0. */
  readonly counts?: keyof Usage
  /** What is seen of it on the machine, while it runs. */
  readonly outside?: (sandboxPath: string) => void
}

/** It is ended, or fails, for its limit. */
export interface Ends {
  readonly ends: Omit<LimitHit, 'message'> & { readonly message: RegExp; readonly exit?: Exit }
}

/** Its framework is told, and it goes on. */
export interface IsTold {
  readonly told: (sandboxPath: string) => string
}

const MIB = 1024 * 1024
/** Takes memory and touches it, but not all of a machine that does not hold it. */
const HOG = 'ulimit -v 1000000; exec tail /dev/zero'
const NOBODY_LEFT = ', and so many are not free here'

const memory: Sample = {
  needs: 'cgroups',
  asks: { limits: { memBytes: 40 * MIB } },
  unasked: 'is counted',
  hits: (place, held) => place.runOutOfMemory(held),
  proofs: [
    { title: 'that takes more memory is ended', shell: HOG },
    {
      title: 'whose child was ended for its memory is ended too',
      shell: `(${HOG}); exec sleep 600`,
    },
  ].map((proof) => ({
    ...proof,
    ends: {
      reason: 'CONTAINER_LIMITATION_MEMORY',
      message: /^out of memory: its limit is 40 MiB, it had 40 MiB at most$/,
      ends: true,
    },
  })),
}

const pids: Sample = {
  needs: 'cgroups',
  asks: { limits: { pidsMax: 2 } },
  unasked: 'is counted',
  hits: (place, held) => place.runOutOfPids(held),
  proofs: [
    {
      title: 'that starts more processes fails, and is told why',
      shell: 'sleep 600 & sleep 600 & wait',
      ends: {
        reason: 'CONTAINER_LIMITATION',
        message: /^its limit of 2 processes and threads kept it from starting 1 more$/,
        ends: false,
      },
    },
  ],
}

const cpu: Sample = {
  needs: 'cgroups',
  // Much work: the kernel checks a quota at its ticks alone, and a few ms pass between two.
  asks: { limits: { cpus: 0.5, cpusMax: 0.02 } },
  unasked: 'is counted',
  proofs: [
    {
      title: 'waits for its quota',
      shell: 'i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done; echo worked',
      sees: 'worked\n',
      counts: 'throttledMs',
    },
  ],
}

const devices: Sample = {
  needs: 'cgroups',
  asks: {},
  unasked: 'is counted',
  proofs: [
    {
      title: 'opens the devices that every program needs, and no other',
      shell: [
        'head -c 1 /dev/zero >/dev/null && head -c 1 /dev/urandom >/dev/null || echo refused',
        'mknod own c 1 11 && echo made',
        'for device in /dev/kmsg ./own; do (: <$device) 2>/dev/null && echo "opened $device"; done',
        ':',
      ].join('\n'),
      sees: 'made\n',
      check: ': </dev/zero && ! (: <own)',
    },
  ],
}

const disk: Sample = {
  needs: 'nothing',
  asks: { limits: { diskBytes: 8 * MIB } },
  unasked: 'is limited',
  proofs: [
    // Each writes a mebibyte again and again, faster than it is looked at.
    {
      title: 'that fills its sandbox is ended',
      shell: 'while :; do head -c 1048576 /dev/zero >>full; sleep 0.02; done',
    },
    {
      title: 'that fills a file which has no name any more is ended',
      shell: 'exec 3>gone; rm gone; while :; do head -c 1048576 /dev/zero >&3; sleep 0.02; done',
    },
  ].map((proof) => ({
    ...proof,
    ends: {
      exit: { signal: 'SIGKILL' },
      reason: 'CONTAINER_LIMITATION_DISK',
      message: /^too much disk: its limit is 8 MiB, it took \d[\d.]* MiB$/,
      ends: true,
    },
  })),
}

/** On an address of its own, as many run at once: a free port, and the one that it was given. */
const LISTENER = `
const { createServer } = require('node:net')
const { pid, env } = process
const host = [127, (pid >> 16) & 255, (pid >> 8) & 255, pid & 255].join('.')
createServer().listen(Number(env.PORT0), host, () => {
  const server = createServer().listen(0, host, () => {
    require('node:fs').writeFileSync('port', String(server.address().port))
  })
})
`

const ports: Sample = {
  needs: 'nothing',
  asks: { ports: [31_987] },
  unasked: 'is let alone',
  proofs: [
    {
      title: 'that listens where it was not given the port is told of, once',
      shell: `exec ${quoted(process.execPath)} -e ${quoted(LISTENER)}`,
      told: (sandboxPath) => {
        const port = readFileSync(join(sandboxPath, 'port'), 'utf8')
        return `it listens on port ${port}; it was given 31987`
      },
    },
  ],
}

const GPUS_OPENED = [
  'for gpu in 0 1 2; do',
  '  (: <"$GPUS/nvidia$gpu") 2>&1 | grep -q "not permitted" && echo "kept from $gpu"',
  'done; :',
].join('\n')
const GPUS_TOLD = `echo "\${NVIDIA_VISIBLE_DEVICES}, \${CUDA_VISIBLE_DEVICES-unset}"\n${GPUS_OPENED}`
const areHeld = (isolators: readonly string[]): boolean => isolators.includes('devices')

const gpus: Sample = {
  needs: 'gpus',
  asks: { limits: { gpus: 2 } },
  unasked: 'is told',
  beyond: {
    asks: { limits: { gpus: 4 } },
    why: new RegExp(`^it was given 4 GPUs${NOBODY_LEFT}$`),
  },
  taken: `it was given 2 GPUs${NOBODY_LEFT}`,
  proofs: [
    {
      title: 'is told its GPUs, and opens no other',
      shell: GPUS_TOLD,
      sees: (isolators) => (areHeld(isolators) ? '0,1, unset\nkept from 2\n' : '0,1, 0,1\n'),
    },
    {
      title: 'without GPUs is told that there are none, and opens none',
      asks: {},
      shell: GPUS_TOLD,
      sees: (isolators) =>
        areHeld(isolators) ? 'void, unset\nkept from 0\nkept from 1\nkept from 2\n' : 'void, \n',
    },
  ],
}

const rlimits: Sample = {
  needs: 'nothing',
  asks: {
    rlimits: [
      { type: 'nofile', soft: 256, hard: 512 },
      { type: 'core', soft: 0, hard: 0 },
    ],
  },
  unasked: 'is let alone',
  beyond: {
    asks: { rlimits: [{ type: 'nofile' }] },
    why: /^the agent cannot give it the rlimit nofile of unlimited, but \d+ at most$/,
  },
  proofs: [
    {
      title: 'has the rlimits that it asked for in each process',
      shell: 'ulimit -Sn; ulimit -Hn; ulimit -Sc',
      sees: '256\n512\n0\n',
      check: 'test "$(ulimit -Sn) $(ulimit -Hn)" = "256 512"',
    },
  ],
}

const RIGHTS = "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status"
const EFFECTIVE = 'grep CapEff /proc/self/status'
const left = (...capabilities: LinuxCapability[]): Asks => ({ linux: { capabilities } })

const capabilities: Sample = {
  needs: 'nothing',
  asks: left('net_bind_service', 'kill'),
  unasked: 'is let alone',
  proofs: [
    {
      title: 'of root keeps the capabilities that it asked for, and gets no new privileges',
      asks: { linux: { capabilities: ['net_bind_service', 'kill'], noNewPrivileges: true } },
      shell: RIGHTS,
      sees: 'CapEff:\t0000000000000420\nCapBnd:\t0000000000000420\nNoNewPrivs:\t1\n',
      check: 'grep -q "^CapEff:.0000000000000420$" /proc/self/status',
    },
    {
      title: 'of another user keeps just those, too',
      asks: { user: 'nobody', ...left('net_bind_service') },
      shell: `${EFFECTIVE}; id -u`,
      sees: 'CapEff:\t0000000000000400\n65534\n',
    },
    {
      title: 'that asks for none has none',
      asks: left(),
      shell: EFFECTIVE,
      sees: 'CapEff:\t0000000000000000\n',
    },
  ],
}

const noNewPrivileges: Sample = {
  needs: 'nothing',
  asks: { linux: { noNewPrivileges: true } },
  unasked: 'is let alone',
  proofs: [
    {
      title: 'gets no new privileges',
      shell: 'grep NoNewPrivs /proc/self/status',
      sees: 'NoNewPrivs:\t1\n',
      check: 'grep -q "^NoNewPrivs:.1$" /proc/self/status',
    },
  ],
}

/** Of a namespace. */
const alone = (namespace: Namespace, ...proofs: Proof[]): Sample => ({
  needs: 'nothing',
  asks: { linux: { namespaces: [namespace] } },
  unasked: 'is let alone',
  proofs,
})

const pidNamespace = alone('pid', {
  title: 'with its own processes sees no others',
  shell: 'sleep 600 & set -- /proc/[0-9]*; echo $#; cat /proc/1/comm',
  // The recording parent, the task and its job.
  sees: '3\nsh\n',
  check: 'test "$(cat /proc/1/comm)" = sh',
})

const networkNamespace = alone('network', {
  title: 'with its own network has a loopback that works, and nothing else',
  shell: [
    'grep -c : /proc/net/dev',
    // A word of its own to itself.
    `${quoted(process.execPath)} -e 'const s = require("net").createServer((c) => c.end("hello")).listen(0, "127.0.0.1", () => require("net").connect(s.address().port, "127.0.0.1").on("data", (d) => console.log(String(d))).on("close", () => s.close()))'`,
  ].join('\n'),
  sees: '1\nhello\n',
  check: 'test "$(grep -c : /proc/net/dev)" = 1',
})

const FILE = `bourse-${process.pid}-mine`
const PLACES = ['/tmp', '/var/tmp', '/dev/shm'].filter((path) => existsSync(path))

const mountNamespace = alone('mount', {
  title: 'with its own files leaves none on the machine, but in its sandbox',
  shell: [
    `for at in ${PLACES.join(' ')}; do echo mine >$at/${FILE} || echo refused; done`,
    'test -e "$BOURSE_SANDBOX/stdout" && test "$(pwd)" = "$BOURSE_SANDBOX" && echo here',
    'stat -c %a /tmp /dev/shm',
  ].join('\n'),
  sees: 'here\n1777\n1777\n',
  check: `test -e /tmp/${FILE}`,
  outside(sandboxPath) {
    for (const place of PLACES) assert(!existsSync(join(place, FILE)), place)
    assert.equal(readFileSync(join(sandboxPath, '.private', 'tmp', FILE), 'utf8'), 'mine\n')
  },
})

/** Who adds an isolator says here what it does. */
export const SAMPLES: Readonly<Record<IsolatorName, Sample>> = {
  gpus,
  pids,
  memory,
  cpu,
  devices,
  disk,
  ports,
  rlimits,
  capabilities,
  'no-new-privileges': noNewPrivileges,
  'pid-namespace': pidNamespace,
  'network-namespace': networkNamespace,
  'mount-namespace': mountNamespace,
}

/** One word of a shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

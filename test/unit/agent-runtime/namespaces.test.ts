/** The words by which namespaces are made and entered, as root and as any other user. */
import test from 'ava'
import { GpuPool } from '../../../agent-runtime/isolator/gpu-pool.ts'
import type { Working } from '../../../agent-runtime/isolator/isolator.ts'
import type { KillHold } from '../../../agent-runtime/isolator/kill/kill.ts'
import {
  enterWords,
  insideOf,
  killHoldOf,
} from '../../../agent-runtime/isolator/namespaces/namespaces.ts'
import { networkNamespaceIsolator } from '../../../agent-runtime/isolator/network-namespace.ts'
import { pidNamespaceIsolator } from '../../../agent-runtime/isolator/pid-namespace.ts'
import type { Namespace } from '../../../protocol/linux.ts'
import { needs } from '../../support/needs.ts'

/** What this process says that it is, while `run` does something. */
function asUid<Result>(uid: number, run: () => Result): Result {
  const { getuid } = process
  process.getuid = () => uid
  try {
    return run()
  } finally {
    if (getuid === undefined) delete process.getuid
    else process.getuid = getuid
  }
}

interface Asked {
  readonly namespaces: Namespace[]
  readonly network?: string
}

/** Of those that the isolators would make, and in what its processes are then. */
function wordsOf(works: readonly Working[], hold: KillHold, { namespaces, network }: Asked) {
  const parts = works.flatMap((one) => {
    const wanted = { containerId: 'c-1', sandboxPath: '/box', linux: { namespaces } }
    return one.prepare({ ...wanted, ...(network !== undefined && { network }) }) ?? []
  })
  const held = killHoldOf(hold, namespaces)
  const made = {
    enter: parts.flatMap(({ enter = [] }) => enter),
    unshare: parts.flatMap(({ unshare = [] }) => unshare),
  }
  return {
    enter: enterWords(held, made),
    inside: insideOf(held, namespaces),
    setpriv: parts.flatMap(({ setpriv = [] }) => setpriv),
  }
}

const CGROUP: KillHold = { kind: 'cgroup', path: '/cg/c-1', how: 'freezer' }
const SESSION: KillHold = { kind: 'session' }
const PROCESSES: KillHold = { kind: 'pid-namespace', unshare: '--pid --fork --kill-child' }
const RIGHTS = ['--inh-caps=-all', '--ambient-caps=-all']
const USER = '--user --map-current-user'

for (const { title, uid, hold, asked, words } of [
  {
    title: 'nothing is asked for, nothing is made',
    uid: 1000,
    hold: CGROUP,
    asked: { namespaces: [] },
    words: { enter: '', inside: [], setpriv: [] },
  },
  {
    title: 'root has its own processes',
    uid: 0,
    hold: CGROUP,
    asked: { namespaces: ['pid'] },
    words: {
      enter: 'unshare --pid --fork --kill-child --mount-proc --propagation=slave',
      inside: ['mount', 'pid'],
      setpriv: [],
    },
  },
  {
    title: 'what holds it are its own processes already',
    uid: 0,
    hold: PROCESSES,
    asked: { namespaces: ['pid'] },
    words: {
      enter: 'unshare --pid --fork --kill-child --propagation=slave',
      inside: ['mount', 'pid'],
      setpriv: [],
    },
  },
  {
    title: 'another user makes them as root of his own, and a session is not needed',
    uid: 1000,
    hold: SESSION,
    asked: { namespaces: ['pid'] },
    words: {
      enter: `unshare ${USER} --pid --fork --kill-child --mount-proc --propagation=slave`,
      inside: ['user', 'mount', 'pid'],
      setpriv: [],
    },
  },
  {
    title: 'who prepares a network keeps his rights, the task does not',
    uid: 1000,
    hold: CGROUP,
    asked: { namespaces: ['network'] },
    words: {
      enter: `unshare ${USER} --keep-caps --net`,
      inside: ['user', 'network'],
      setpriv: RIGHTS,
    },
  },
  {
    title: 'root enters the network of its group',
    uid: 0,
    hold: CGROUP,
    asked: { namespaces: ['network'], network: '/net' },
    words: { enter: 'nsenter --net=/net', inside: ['network'], setpriv: [] },
  },
  {
    title: 'another user enters it, and is found where checks look for him',
    uid: 1000,
    hold: CGROUP,
    asked: { namespaces: ['network'], network: '/net' },
    words: {
      enter: `nsenter --net=/net unshare ${USER} --keep-caps`,
      inside: ['user', 'network'],
      setpriv: RIGHTS,
    },
  },
] satisfies readonly {
  readonly title: string
  readonly uid: number
  readonly hold: KillHold
  readonly asked: Asked
  readonly words: ReturnType<typeof wordsOf>
}[]) {
  test(`namespaces: ${title}`, async (t) => {
    const shared = { cgroups: undefined, gpus: new GpuPool('/nowhere'), defaultDiskBytes: 0 }
    const opened = [
      await pidNamespaceIsolator.open(shared),
      await networkNamespaceIsolator.open(shared),
    ]
    const works = opened.flatMap((one) => one.works ?? [])
    if (!needs(t, { name: 'the right to make namespaces', found: works.length === 2 })) return
    t.deepEqual(
      asUid(uid, () => wordsOf(works, hold, asked)),
      words,
    )
  })
}

/** Limits of each process of a task, by prlimit(1): what it opens, locks, writes, runs. */
import type { Rlimit } from '../../protocol/linux.ts'
import type { TaskRlimit } from '../../protocol/schema/task-linux.ts'
import type { Isolator } from './isolator.ts'
import { ownCapabilities, readText } from './proc.ts'
import { tried } from './tried.ts'

export const rlimitsIsolator: Isolator = {
  name: 'rlimits',
  async open() {
    const why = await tried(['prlimit', '--core=0:0', 'true'])
    if (why !== undefined) return { missing: [`tasks can be held to no rlimits: ${why}`] }
    const most = ownCeiling()
    return {
      works: {
        problem: ({ rlimits = [] }) => problemOf(rlimits, most),
        prepare: ({ rlimits = [] }) =>
          rlimits.length === 0 ? undefined : { words: wordsOf(rlimits) },
      },
      missing: [],
    }
  },
}

/** The most that the agent may give. */
type Ceiling = (type: Rlimit) => number

function wordsOf(rlimits: readonly TaskRlimit[]): readonly string[] {
  return ['prlimit', ...rlimits.map((one) => `--${one.type}=${shown(one.soft)}:${shown(one.hard)}`)]
}

/** A sentence; undefined: all of them can be given. */
function problemOf(rlimits: readonly TaskRlimit[], most: Ceiling): string | undefined {
  for (const { type, hard } of rlimits) {
    if ((hard ?? Number.POSITIVE_INFINITY) <= most(type)) continue
    return `the agent cannot give it the rlimit ${type} of ${shown(hard)}, but ${most(type)} at most`
  }
  return undefined
}

/** Only with CAP_SYS_RESOURCE anything is raised; open files never above what the kernel has. */
function ownCeiling(): Ceiling {
  const own = readText('/proc/self/limits') ?? ''
  const mayRaise = ownCapabilities().has('sys_resource')
  const filesMax = Number(readText('/proc/sys/fs/nr_open') ?? Number.POSITIVE_INFINITY)
  const hard = new Map(
    own.split('\n').map((line) => [line.slice(0, 26).trim(), line.slice(47, 68).trim()]),
  )
  return (type) => {
    if (mayRaise) return type === 'nofile' ? filesMax : Number.POSITIVE_INFINITY
    const text = hard.get(NAMES[type])
    return text === undefined || text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)
  }
}

const shown = (limit: number | undefined): string =>
  limit === undefined ? 'unlimited' : String(limit)

/** As in `/proc/self/limits`. */
const NAMES: Readonly<Record<Rlimit, string>> = {
  as: 'Max address space',
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
}

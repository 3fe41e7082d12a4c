/** CPU by weight: who asks for twice as much gets twice as much when there is too little. */
import { join } from 'node:path'
import { fieldOf, known, numberIn, type Setting } from './cgroups/files.ts'
import { cgroupIsolator } from './cgroups/isolator.ts'

/** Of one core. */
const SHARES = 1024
/** What the kernel takes. */
const SHARES_MIN = 2
const SHARES_MAX = 262_144
const PERIOD_US = 100_000
const QUOTA_US_MIN = 1_000

export const cpuIsolator = cgroupIsolator({
  name: 'cpu',
  controller: 'cpu',
  lacks: 'tasks get no share of the cpus',
  wants: { controller: 'cpuacct', lacks: 'the cpu time of tasks is not counted' },
  settings({ cpus, cpusMax }, { version }) {
    const weight = cpus === undefined ? [] : [weightOf(cpus, version)]
    return cpusMax === undefined ? weight : [...weight, ...quotaOf(cpusMax, version)]
  },
  /** All tasks together weigh as much as the machine has, beside what else runs on it. */
  share: (cores, { version }) => weightOf(cores, version),
  usage: ({ version, path, accounts = path, countedIn }) => {
    const stat = join(path, 'cpu.stat')
    if (version === 2) {
      return known({
        cpuMs: usageIn(stat),
        throttledMs: scaled(fieldOf(stat, 'throttled_usec'), 1_000),
      })
    }
    return known({
      cpuMs:
        countedIn === undefined
          ? scaled(numberIn(join(accounts, 'cpuacct.usage')), 1_000_000)
          : usageIn(join(countedIn, 'cpu.stat')),
      throttledMs: scaled(fieldOf(stat, 'throttled_time'), 1_000_000),
    })
  },
})

/** Of version 2. */
const usageIn = (stat: string): number | undefined => scaled(fieldOf(stat, 'usage_usec'), 1_000)

const scaled = (count: number | undefined, perMs: number): number | undefined =>
  count === undefined ? undefined : count / perMs

/** In the words of v1, which container services speak too. */
export const sharesOf = (cpus: number): number =>
  Math.min(SHARES_MAX, Math.max(SHARES_MIN, Math.round(cpus * SHARES)))

function weightOf(cpus: number, version: 1 | 2): Setting {
  const shares = sharesOf(cpus)
  if (version === 1) return { file: 'cpu.shares', text: String(shares) }
  // Source: systemd and runc map the two scales onto each other just so.
  const weight = 1 + Math.floor(((shares - SHARES_MIN) * 9_999) / (SHARES_MAX - SHARES_MIN))
  return { file: 'cpu.weight', text: String(weight) }
}

function quotaOf(cpusMax: number, version: 1 | 2): Setting[] {
  const quotaUs = Math.max(QUOTA_US_MIN, Math.round(cpusMax * PERIOD_US))
  if (version === 2) return [{ file: 'cpu.max', text: `${quotaUs} ${PERIOD_US}` }]
  return [
    { file: 'cpu.cfs_period_us', text: String(PERIOD_US) },
    { file: 'cpu.cfs_quota_us', text: String(quotaUs) },
  ]
}

/** What a cluster leaves on the machine: processes, cgroups, listening ports and temporary files. */
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

export interface Traces {
  /** By pid and start time: a pid may come again. */
  readonly processes: ReadonlySet<string>
  readonly cgroups: ReadonlySet<string>
  readonly ports: ReadonlySet<string>
  readonly files: ReadonlySet<string>
}

const CGROUPS = '/sys/fs/cgroup'

/** What is there now. Other programs of the machine are in it, and should not come and go. */
export function traces(): Traces {
  return {
    processes: new Set(readdirSync('/proc').flatMap(ours)),
    cgroups: new Set(cgroupsBelow(CGROUPS, 6)),
    ports: new Set(listening()),
    files: new Set(readdirSync(tmpdir()).filter((name) => name.startsWith('bourse-'))),
  }
}

/** What is there in `after` and was not in `before`, one line each. */
export function leftBehind(before: Traces, after: Traces): readonly string[] {
  return (['processes', 'cgroups', 'ports', 'files'] as const).flatMap((kind) =>
    [...after[kind]].filter((one) => !before[kind].has(one)).map((one) => `${kind}: ${one}`),
  )
}

/** A process that belongs to a cluster: started by it, or by one of its tasks. */
function ours(pid: string): readonly string[] {
  if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
  const environment = read(`/proc/${pid}/environ`)
  const isOurs = /bourse|nats-server/.test(command) || /\bBOURSE_TASK_ID=/.test(environment)
  const startTicks = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[19]
  return isOurs ? [`${pid} ${startTicks ?? ''} ${command.slice(0, 120)}`] : []
}

function cgroupsBelow(path: string, depth: number): readonly string[] {
  if (depth === 0) return []
  return folders(path).flatMap((name) => {
    const child = `${path}/${name}`
    return [...(/bourse/.test(child) ? [child] : []), ...cgroupsBelow(child, depth - 1)]
  })
}

function folders(path: string): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    // It went away between two looks.
    return []
  }
}

function listening(): readonly string[] {
  const LISTEN = '0A'
  return read('/proc/net/tcp')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local = '', , state]) => (state === LISTEN ? [local] : []))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It went away between two looks.
    return ''
  }
}

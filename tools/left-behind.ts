/**
 * What a cluster leaves on the machine: processes, cgroups, listening ports and files.
 *
 * Other clusters run beside it, so it is known by its folders: they stand in the command line or
 * the environment of every process of it.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Traces {
  readonly folders: readonly string[]
  /** Pid and command. */
  readonly processes: readonly string[]
  /** Folders of the cgroup file systems, those of agents included. */
  readonly cgroups: readonly string[]
  /** As `/proc/net/tcp` spells them. */
  readonly ports: readonly string[]
}

const CGROUPS = '/sys/fs/cgroup'

/** All that the cluster of these folders has on the machine now. */
export function tracesOf(folders: readonly string[]): Traces {
  const pids = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isOf(pid, folders))
  return {
    folders,
    processes: pids.map((pid) => `${pid} ${commandOf(pid)}`),
    cgroups: [...new Set(pids.flatMap(cgroupsOf))],
    ports: [...new Set(pids.flatMap(portsOf))],
  }
}

/** What is left of all that, and what has come since, one line each. */
export function leftOf({ folders, cgroups, ports }: Traces): readonly string[] {
  const open = new Set(listening().map(({ local }) => local))
  return [
    ...tracesOf(folders).processes.map((one) => `process ${one}`),
    ...cgroups.filter((path) => existsSync(path)).map((path) => `cgroup ${path}`),
    ...ports.filter((local) => open.has(local)).map((local) => `port ${local}`),
    ...folders.filter((path) => existsSync(path)).map((path) => `folder ${path}`),
  ]
}

function isOf(pid: string, folders: readonly string[]): boolean {
  if (Number(pid) === process.pid) return false
  const text = commandOf(pid) + read(`/proc/${pid}/environ`)
  return folders.some((folder) => text.includes(folder))
}

const commandOf = (pid: string): string =>
  read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 200)

function cgroupsOf(pid: string): readonly string[] {
  const below = read(`/proc/${pid}/cgroup`)
    .split('\n')
    .flatMap((line) => line.split(':').slice(2))
    .filter((path) => path.includes('/bourse/'))
  const found = below.flatMap((path) => [path, path.slice(0, path.lastIndexOf('/'))])
  return found.flatMap((path) =>
    readdirSync(CGROUPS)
      .map((hierarchy) => `${CGROUPS}/${hierarchy}${path}`)
      .filter((folder) => existsSync(folder)),
  )
}

function portsOf(pid: string): readonly string[] {
  const sockets = new Set(descriptors(pid))
  return listening().flatMap(({ local, inode }) =>
    sockets.has(`socket:[${inode}]`) ? [local] : [],
  )
}

function listening(): readonly { readonly local: string; readonly inode: string }[] {
  const LISTEN = '0A'
  return read('/proc/net/tcp')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local = '', , state, , , , , , inode = '']) =>
      state === LISTEN ? [{ local, inode }] : [],
    )
}

function descriptors(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    // The process, or one of its files, went away between two looks.
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It went away between two looks.
    return ''
  }
}

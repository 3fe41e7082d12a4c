/** What processes have used, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs'

const NANOSECONDS_PER_MICROSECOND = 1_000
const KIB_PER_MIB = 1_024

export interface Usage {
  /** On any core, since it started, of all its threads that are still there. */
  readonly cpuUs: number
  readonly rssMiB: number
}

function usageOf(name: string, pid: number): Usage {
  try {
    return { cpuUs: cpuUsOf(pid), rssMiB: rssMiBOf(pid) }
  } catch (cause) {
    throw new Error(`process ${name} has ended`, { cause })
  }
}

/** The first number of `schedstat` is exact; `stat` counts in steps of ten milliseconds. */
function cpuUsOf(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [onCore = '0'] = readThread(pid, thread).split(' ')
    return Number(onCore)
  })
  return nanoseconds.reduce((sum, one) => sum + one, 0) / NANOSECONDS_PER_MICROSECOND
}

/** A thread may end between two looks. */
function readThread(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
  } catch {
    return '0'
  }
}

function rssMiBOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib ?? 0) / KIB_PER_MIB
}

/** Pids by the name that a result calls each process. */
export type Pids = Readonly<Record<string, number>>

/** @throws when one of them has ended. */
export function usageOfAll(pids: Pids): Readonly<Record<string, Usage>> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, usageOf(name, pid)]))
}

/** CPU µs for each of `tasks` by process, and `total`. `after` has the names of `before`. */
export function cpuUsPerTask(
  before: Readonly<Record<string, Usage>>,
  after: Readonly<Record<string, Usage>>,
  tasks: number,
): Readonly<Record<string, number>> {
  const each = Object.entries(after).map(([name, { cpuUs }]): [string, number] => [
    name,
    (cpuUs - (before[name]?.cpuUs ?? 0)) / tasks,
  ])
  const total = each.reduce((sum, [, cpuUs]) => sum + cpuUs, 0)
  return rounded(Object.fromEntries([...each, ['total', total]]))
}

/** Of a core, by process, over `elapsedMs`. `after` has the names of `before`. */
export function cpuPercent(
  before: Readonly<Record<string, Usage>>,
  after: Readonly<Record<string, Usage>>,
  elapsedMs: number,
): Readonly<Record<string, number>> {
  const each = Object.entries(after).map(([name, { cpuUs }]): [string, number] => [
    name,
    (cpuUs - (before[name]?.cpuUs ?? 0)) / elapsedMs / 10,
  ])
  return rounded(Object.fromEntries(each))
}

export function rssMiB(usage: Readonly<Record<string, Usage>>): Readonly<Record<string, number>> {
  return rounded(Object.fromEntries(Object.entries(usage).map(([name, one]) => [name, one.rssMiB])))
}

/** One decimal: more would be noise. */
function rounded(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, Math.round(figure * 10) / 10]),
  )
}

/** Which devices a cgroup of version 1 lets its processes open, as lists in small files. */
import { join } from 'node:path'
import { readText } from '../proc.ts'
import { type Setting, writeSetting } from './files.ts'

/** A character device, by the kernel's numbers. */
export interface DeviceNumber {
  readonly major: number
  readonly minor: number | '*'
}

/** Read and written by every task. Source: the kernel's list of devices, devices.txt. */
const FOR_ALL: Readonly<Record<string, DeviceNumber>> = {
  null: { major: 1, minor: 3 },
  zero: { major: 1, minor: 5 },
  full: { major: 1, minor: 7 },
  random: { major: 1, minor: 8 },
  urandom: { major: 1, minor: 9 },
  tty: { major: 5, minor: 0 },
  ptmx: { major: 5, minor: 2 },
  pts: { major: 136, minor: '*' },
}

/** What the agent itself may not open, nobody can be given. */
const allow = (text: string): Setting => ({ file: 'devices.allow', text, ifThere: true })

/** Those that every task has, and `others`. */
export function onlyDevices(others: readonly DeviceNumber[] = []): readonly Setting[] {
  const opened = [...Object.values(FOR_ALL), ...others]
  return [
    { file: 'devices.deny', text: 'a' },
    // To make a node is not to open it, and programs that unpack whole systems make some.
    ...['c *:* m', 'b *:* m'].map(allow),
    ...opened.map(({ major, minor }) => allow(`c ${major}:${minor} rwm`)),
  ]
}

const EVERY_TASK = onlyDevices()

/**
 * Leaves the cgroup that holds all of them what every task has: then each new one has that from the
 * beginning, and eleven files need not be written for each task. False: it stays as it was, as the
 * kernel takes nothing from it while others are below.
 */
export function shareDevices(base: string): boolean {
  const wanted = new Set(EVERY_TASK.map(({ text }) => text).filter((text) => text !== 'a'))
  const list = (): readonly string[] =>
    (readText(join(base, 'devices.list')) ?? '').trim().split('\n')
  const before = new Set(list())
  if (before.size === wanted.size && [...wanted].every((line) => before.has(line))) return true
  try {
    for (const setting of EVERY_TASK) writeSetting(base, setting)
  } catch {
    // Tasks of an agent that shared nothing are below.
    return false
  }
  // The agent itself may have less.
  return list().every((line) => wanted.has(line))
}

/**
 * Where tasks may be given others, too: undoes `shareDevices`. While others are below the kernel
 * adds only those that are named. False: nobody below can be given them.
 */
export function unshareDevices(base: string, others: readonly DeviceNumber[]): boolean {
  const lines = others.map(({ major, minor }) => `c ${major}:${minor} rwm`)
  for (const setting of [allow('a'), ...lines.map(allow)]) writeSetting(base, setting)
  const listed = (readText(join(base, 'devices.list')) ?? '').trim().split('\n')
  return listed.includes('a *:* rwm') || lines.every((line) => listed.includes(line))
}

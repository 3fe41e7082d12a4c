/** The small files in which the kernel counts. What is not there is undefined. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Usage } from '../hold.ts'
import { readText } from '../proc.ts'

/** What is written to a file of a new cgroup. */
export interface Setting {
  readonly file: string
  readonly text: string
  /** Not every kernel has it. */
  readonly ifThere?: true
}

/**
 * Where a process writes 0 that joins by itself and has one thread. All of a process join by
 * `cgroup.procs`, for which the kernel stops every fork and exec of the machine; one thread does
 * not take that (Linux 5.5). Version 2 has threads apart only in cgroups of their own kind.
 */
export const joinFile = (version: 1 | 2): string => (version === 1 ? 'tasks' : 'cgroup.procs')

/** A file of one number; `max` and what else is none are undefined. */
export function numberIn(path: string): number | undefined {
  return parsed(readText(path))
}

/** The number after a name, in a file of `name number` lines. */
export function fieldOf(path: string, name: string): number | undefined {
  const line = readText(path)
    ?.split('\n')
    .find((one) => one.startsWith(`${name} `))
  return parsed(line?.slice(name.length + 1))
}

function parsed(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\n?$/.test(text) ? Number(text) : undefined
}

/** Without what is not there. */
export function known(counts: { readonly [Name in keyof Usage]: number | undefined }): Usage {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined))
}

/** @throws unless it is one that this kernel need not have. */
export function writeSetting(path: string, { file, text, ifThere }: Setting): void {
  try {
    writeFileSync(join(path, file), text)
  } catch (error) {
    if (!ifThere) throw error
  }
}

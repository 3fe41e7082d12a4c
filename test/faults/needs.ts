/** What rows need of the machine beside what labs do. */
import { existsSync, readFileSync } from 'node:fs'
import type { Need } from '../support/needs.ts'

export const rootNeed = (): Need => ({ name: 'root', found: process.getuid?.() === 0 })

const MEMORY = '/sys/fs/cgroup/memory'

/** The memory controller of cgroups v1, and the right to use it. */
export const memoryCgroupNeed = (): Need => ({
  name: `the right to make memory cgroups in ${MEMORY}`,
  found: process.getuid?.() === 0 && existsSync(`${MEMORY}/memory.limit_in_bytes`),
})

/** Where a process's memory is counted: below it cgroups may be made. */
export function memoryCgroupOf(pid: number): string {
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((one) => one.split(':')[1]?.split(',').includes('memory'))
  return `${MEMORY}${line?.split(':')[2] ?? ''}`
}

/** Rows 28 to 31: what a task may do to the machine that it shares. */
import { hostileRow } from '../hostile-row.ts'
import type { Row } from '../row.ts'

const ALONE = 'and neither its agent nor its neighbour notices; nothing of it is left'

export const memoryHog: Row = hostileRow(
  {
    number: 28,
    name: 'memory-hog',
    fault: 'a task takes more memory than it asked for',
    expected: `it alone ends, CONTAINER_LIMITATION_MEMORY, ${ALONE}`,
    withinMs: 5_000,
  },
  ['memory-hog'],
)

export const forkBomb: Row = hostileRow(
  {
    number: 29,
    name: 'fork-bomb',
    fault: 'a task forks until it is refused',
    expected: `it alone ends, CONTAINER_LIMITATION, ${ALONE}`,
    withinMs: 20_000,
  },
  ['fork-bomb'],
)

export const unkillable: Row = hostileRow(
  {
    number: 30,
    name: 'unkillable',
    fault: 'tasks ignore SIGTERM, fork twice, call setsid and clear their environment',
    expected: `SIGKILL reaches all of each, ${ALONE}`,
    withinMs: 5_000,
  },
  ['deaf', 'escapee', 'daemon'],
)

export const diskFiller: Row = hostileRow(
  {
    number: 31,
    name: 'disk-filler',
    fault: 'a task prints without end, another one fills its sandbox',
    expected: `each is kept to its disk, with a reason, ${ALONE}`,
    withinMs: 25_000,
  },
  ['stdout-flooder', 'disk-filler'],
)

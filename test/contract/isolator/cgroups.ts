/** What is peculiar to the isolators by cgroups: what they write and count, by either version. */
import { mkdirSync } from 'node:fs'
import type { ExecutionContext, TestFn } from 'ava'
import type { Held } from '../../../agent-runtime/isolator/held.ts'
import type { Limits } from '../../../agent-runtime/isolator/isolator.ts'
import type { OpenIsolators } from '../../../agent-runtime/isolator/isolators.ts'
import { CGROUP_ISOLATORS } from '../../../agent-runtime/isolator/order.ts'
import { systemClock } from '../../../bus/clock.ts'
import { CONTAINER, type IsolatorPlace, settingOf } from '../../support/isolators.ts'
import { needs } from '../../support/needs.ts'

const MIB = 1024 * 1024
const LIMITS: Limits = { cpus: 0.5, cpusMax: 1.5, memBytes: 40 * MIB, pidsMax: 2 }

/** In the order in which they are written. */
const WRITTEN = {
  1: {
    pids: { 'pids.max': '2' },
    memory: { 'memory.limit_in_bytes': String(40 * MIB) },
    cpu: { 'cpu.shares': '512', 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '150000' },
  },
  2: {
    pids: { 'pids.max': '2' },
    memory: {
      'memory.max': String(40 * MIB),
      'memory.swap.max': '0',
      'memory.oom.group': '1',
    },
    cpu: { 'cpu.weight': '20', 'cpu.max': '150000 100000' },
  },
} as const

const NO_DEVICES =
  'tasks can open every device that their user may: no cgroups of devices are mounted, and version 2 takes eBPF for it'

async function opened(
  t: ExecutionContext,
  place: IsolatorPlace,
): Promise<OpenIsolators | undefined> {
  const isolators = await place.open()
  const name = `the right to use cgroups of version ${place.version}`
  return needs(t, { name, found: isolators !== undefined }) ? isolators : undefined
}

function made(isolators: OpenIsolators, limits: Limits): Held {
  const prepared = isolators.prepare({ containerId: CONTAINER, sandboxPath: '/', ...limits })
  const { held, settings } = prepared
  held.make(settings)
  for (const hold of held.holds) {
    // Made by who kills, in a containerizer.
    if (hold.isolator === 'cpu' && hold.countedIn !== undefined) mkdirSync(hold.countedIn)
  }
  return held
}

/** Of those that work, as others take other rights. */
export const byCgroups = (names: OpenIsolators['names']) =>
  names.filter((name) => CGROUP_ISOLATORS.some((one) => one.name === name))

export function cgroupsContract(test: TestFn, name: string, placeOf: () => IsolatorPlace): void {
  limits(test, name, placeOf)
  devices(test, name, placeOf)
  counters(test, name, placeOf)
}

function limits(test: TestFn, name: string, placeOf: () => IsolatorPlace): void {
  test(`${name}: all work, and nothing is missing`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const devices = place.version === 1 ? ['devices'] : []
    t.deepEqual(byCgroups(isolators.names), ['pids', 'memory', 'cpu', ...devices])
    const lacking = isolators.missing.filter((sentence) => sentence.includes('cgroups'))
    t.deepEqual(lacking, place.version === 1 ? [] : [NO_DEVICES])
  })

  test(`${name}: each limit is written where its controller is`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const held = made(isolators, LIMITS)
    for (const isolator of ['pids', 'memory', 'cpu'] as const) {
      for (const [file, text] of Object.entries(WRITTEN[place.version][isolator])) {
        t.is(settingOf(held, isolator, file), text, file)
      }
    }
    t.is(held.limitHit(), undefined)
    held.remove(isolators.bases)
  })

  test(`${name}: with less than 32 MiB nothing could start, so that is the least`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const held = made(isolators, { memBytes: MIB })
    const file = place.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'
    t.is(settingOf(held, 'memory', file), String(32 * MIB))
    held.remove(isolators.bases)
  })
}

function devices(test: TestFn, name: string, placeOf: () => IsolatorPlace): void {
  test(`${name}: of devices it opens what every program needs and its own, or nobody is held`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const held = made(isolators, {})
    const isHeld = held.holds.some(({ isolator }) => isolator === 'devices')
    t.is(isHeld, place.version === 1)
    if (isHeld) t.deepEqual(settingOf(held, 'devices', 'devices.list').split('\n'), OPENED)
    held.remove(isolators.bases)
  })
}

/** null, zero, full, random, urandom, tty, ptmx and all of pts; nodes of any other may be made. */
const OPENED = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 5:0 rwm',
  'c 5:2 rwm',
  'c 136:* rwm',
]

function counters(test: TestFn, name: string, placeOf: () => IsolatorPlace): void {
  test(`${name}: what was ended for its memory is told with limit and use`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const held = made(isolators, { memBytes: 40 * MIB })
    const seen = new Promise<void>((resolve) => held.watch(systemClock, resolve))
    await place.runOutOfMemory(held)
    if (!held.needsLook) await seen
    held.unwatch()
    t.deepEqual(held.limitHit(), {
      reason: 'CONTAINER_LIMITATION_MEMORY',
      message: 'out of memory: its limit is 40 MiB, it had 40 MiB at most',
      ends: true,
    })
    held.remove(isolators.bases)
  })

  test(`${name}: a process refused is told, and ends nothing by itself`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const held = made(isolators, { pidsMax: 2 })
    await place.runOutOfPids(held)
    t.deepEqual(held.limitHit(), {
      reason: 'CONTAINER_LIMITATION',
      message: 'its limit of 2 processes and threads kept it from starting 1 more',
      ends: false,
    })
    held.remove(isolators.bases)
  })

  test(`${name}: everything is counted, also without a limit`, async (t) => {
    await using place = placeOf()
    const isolators = await opened(t, place)
    if (isolators === undefined) return
    const held = made(isolators, {})
    const counted = Object.keys(held.usage()).sort()
    t.deepEqual(counted, ['cpuMs', 'memBytes', 'memPeakBytes', 'pids', 'throttledMs'])
    held.remove(isolators.bases)
  })
}

/** What every isolator must do, before there is any task. `task.ts` is what a task must find. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import { GpuPool } from '../../../agent-runtime/isolator/gpu-pool.ts'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import type { Hold } from '../../../agent-runtime/isolator/hold.ts'
import type { Isolator, Wanted, Working } from '../../../agent-runtime/isolator/isolator.ts'
import { allPids, readStat } from '../../../agent-runtime/isolator/proc.ts'
import type { Shared } from '../../../agent-runtime/isolator/shared.ts'
import {
  BARE_MACHINE,
  CONTAINER,
  gpuFolder,
  type IsolatorPlace,
  NO_GPUS,
} from '../../support/isolators.ts'
import { mountLines } from '../../support/left-over.ts'
import { needs } from '../../support/needs.ts'
import { type Asks, SAMPLES, type Sample } from './samples.ts'

/** Of these nothing exists in any place until something makes it. */
const OTHER = 'c-2'
const THIRD = 'c-3'

/** A machine on which one isolator is open. */
interface Here {
  readonly isolator: Isolator
  readonly sample: Sample
  readonly place: IsolatorPlace
  readonly shared: Shared
  readonly works: Working
  /** Holds the sandboxes, each by its container's name. */
  readonly folder: string
  /** Opens it for a later agent. */
  readonly next: () => Promise<Working>
  /** With a new sandbox. */
  readonly wanted: (containerId: string, asks?: Asks) => Wanted
}

type Case = readonly [title: string, run: (t: ExecutionContext, here: Here) => void | Promise<void>]

/** They look at all that this process has made: one at a time. */
export function isolatorContract(
  test: TestFn,
  name: string,
  isolator: Isolator,
  placeOf: () => IsolatorPlace,
): void {
  test.serial(`${name}: it works, or says in a sentence what is missing`, async (t) => {
    await using place = placeOf()
    await opensOrSays(t, isolator, place)
  })
  for (const [title, run] of CASES) {
    test.serial(`${name}: ${title}`, async (t) => {
      await using place = placeOf()
      await openedIn(t, { isolator, place, run })
    })
  }
}

async function opensOrSays(t: ExecutionContext, isolator: Isolator, place: IsolatorPlace) {
  const sample = SAMPLES[isolator.name]
  using dev = gpuFolder()
  const shared = await place.shared(sample.needs === 'gpus' ? new GpuPool(dev.path) : NO_GPUS)
  const before = children()
  const { works, missing } = await isolator.open(shared)
  t.deepEqual(children(), before)
  t.true(works !== undefined || missing.length > 0)
  for (const sentence of missing) isSentence(t, sentence)
  const { works: worksBare, missing: missingBare } = await isolator.open(BARE_MACHINE)
  for (const sentence of missingBare) isSentence(t, sentence)
  if (sample.needs === 'nothing') {
    t.is(worksBare === undefined, works === undefined)
    t.deepEqual(missingBare, missing)
  } else {
    t.is(worksBare, undefined)
    // Of GPUs that it has not nobody is to be told.
    t.is(missingBare.length, sample.needs === 'gpus' ? 0 : 1)
  }
}

async function openedIn(
  t: ExecutionContext,
  {
    isolator,
    place,
    run,
  }: { readonly isolator: Isolator; readonly place: IsolatorPlace; readonly run: Case[1] },
): Promise<void> {
  const sample = SAMPLES[isolator.name]
  using dev = gpuFolder()
  const gpus = () => (sample.needs === 'gpus' ? new GpuPool(dev.path) : NO_GPUS)
  const shared = await place.shared(gpus())
  const { works, missing } = await isolator.open(shared)
  const name = `isolator ${isolator.name} (${missing.join('; ')})`
  if (!needs(t, { name, found: works !== undefined }) || works === undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'bourse-isolator-'))
  try {
    await run(t, {
      isolator,
      sample,
      place,
      shared,
      works,
      folder,
      next: async () => await worksIn(isolator, await place.shared(gpus())),
      wanted: (containerId, asks) => wantedIn(folder, containerId, asks),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function worksIn(isolator: Isolator, shared: Shared): Promise<Working> {
  const { works, missing } = await isolator.open(shared)
  if (works === undefined) throw new Error(missing.join('; '))
  return works
}

function wantedIn(folder: string, containerId: string, asks: Asks = {}): Wanted {
  const sandboxPath = join(folder, containerId)
  rmSync(sandboxPath, { recursive: true, force: true })
  mkdirSync(sandboxPath)
  const { limits, user: _, ...other } = asks
  return { containerId, sandboxPath, ...limits, ...other }
}

const CASES: readonly Case[] = [
  [
    'who asks for nothing gets no part of it, or what everybody has',
    (t, { works, sample, wanted, shared }) => {
      const part = works.prepare(wanted(CONTAINER)) ?? {}
      const { hold, environment } = part
      if (sample.unasked === 'is let alone') t.deepEqual(part, {})
      if (sample.unasked === 'is counted') t.deepEqual(part, { hold, settings: [] })
      if (sample.unasked === 'is told') t.deepEqual(part, { environment })
      if (sample.unasked !== 'is limited') return
      t.like(hold, { isolator: 'disk', bytesMax: shared.defaultDiskBytes, askedBytes: 0 })
    },
  ],
  [
    'to prepare makes nothing outside of the sandbox',
    (t, { works, sample, wanted, folder }) => {
      const asked = wanted(OTHER, sample.asks)
      const before = seen(folder)
      const { hold } = works.prepare(asked) ?? {}
      t.deepEqual(seen(folder), before)
      const held = new Held(hold === undefined ? [] : [hold])
      t.deepEqual(held.cgroups.filter(existsSync), [])
      t.is(held.limitHit(), undefined)
      t.deepEqual(held.usage(), {}, 'nothing is counted where nothing is')
    },
  ],
  [
    'a later agent reads what was written down, and gives to nobody what was taken',
    async (t, { isolator, works, sample, place, wanted, next }) => {
      const part = works.prepare(wanted(CONTAINER, sample.asks)) ?? {}
      t.deepEqual(JSON.parse(JSON.stringify(part)), part)
      const { hold, settings = [] } = part
      const held = new Held(hold === undefined ? [] : [hold])
      held.make(new Map([[isolator.name, settings]]))
      await sample.hits?.(place, held)
      const later = await next()
      const read = JSON.parse(JSON.stringify(held.holds)) as readonly Hold[]
      later.keep?.(CONTAINER, read)
      t.is(held.limitHit() === undefined, sample.hits === undefined)
      t.deepEqual(readings(new Held(read)), readings(held))
      if (held.limitHit() !== undefined) isSentence(t, held.limitHit()?.message ?? '')
      for (const one of [works, later]) {
        t.is(one.problem?.(wanted(OTHER, sample.asks)), sample.taken)
      }
    },
  ],
  [
    'what is released, once or twice, is free again',
    async (t, { works, sample, wanted, next }) => {
      const { hold } = works.prepare(wanted(CONTAINER, sample.asks)) ?? {}
      const later = await next()
      later.keep?.(CONTAINER, hold === undefined ? [] : [hold])
      for (const one of [works, later]) {
        one.release?.('nobody')
        one.release?.(CONTAINER)
        t.is(one.problem?.(wanted(OTHER, sample.asks)), undefined)
        t.notThrows(() => one.prepare(wanted(OTHER, sample.asks)))
        one.release?.(CONTAINER)
        t.is(one.problem?.(wanted(THIRD, sample.asks)), sample.taken)
      }
    },
  ],
  [
    'what cannot be had is refused by a sentence, and takes nothing',
    (t, { works, sample, wanted, folder }) => {
      t.is(works.problem?.(wanted(CONTAINER, sample.asks)), undefined)
      if (sample.beyond !== undefined) {
        const { asks, why } = sample.beyond
        const beyond = wanted(OTHER, asks)
        const before = seen(folder)
        const said = works.problem?.(beyond) ?? ''
        t.deepEqual(seen(folder), before)
        t.regex(said, why)
        isSentence(t, said)
      }
      t.notThrows(() => works.prepare(wanted(THIRD, sample.asks)))
    },
  ],
]

/** As in `missing`, in a refusal and in what a framework is told. */
function isSentence(t: ExecutionContext, text: string): void {
  t.regex(text, /^[a-z][^\n]+[^\n.]$/)
}

/** What of a hold stays the same when nothing runs. */
function readings(held: Held): unknown {
  return [held.limitHit(), Object.keys(held.usage()).sort(), held.cgroups, held.joins]
}

/** What may change in one turn. Of mounts, others make theirs meanwhile. */
const seen = (folder: string): unknown => [
  readdirSync(folder),
  mountLines().filter(
    (line) => HIDDEN.some((place) => line.includes(` ${place} `)) || line.includes(folder),
  ),
  children(),
]

/** What a mount namespace hides. */
const HIDDEN = ['/tmp', '/var/tmp', '/dev/shm']

const children = (): readonly number[] =>
  allPids().filter((pid) => readStat(pid)?.parent === process.pid)

/** The registry as a fold: whatever is written again, cut off or removed, it says the same. */
import test from 'ava'
import fc from 'fast-check'
import {
  compare,
  type LogBatch,
  newCopy,
  type RegistryCopy,
  takeBatch,
} from '../../../../actors/master/registry/copy.ts'
import { nextPage, openPages } from '../../../../actors/master/registry/pages.ts'
import {
  foldRecord,
  newTable,
  type RegistryTable,
  recordsOf,
} from '../../../../actors/master/registry/table.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import { LIST_BYTES_MAX } from '../../../../protocol/limits.ts'
import type { RegistryBatch, RegistryRecord } from '../../../../protocol/schema/master.ts'
import { wireBytes } from '../../../../protocol/wire-size.ts'
import { aBatch, aFramework, bits } from '../../../support/master-builders.ts'

const agentId = (name: string): AgentId => name as AgentId
const admitted = (name: string): RegistryRecord => ({
  kind: 'agent-admitted',
  agentId: agentId(name),
})
const lost = (name: string): RegistryRecord => ({
  kind: 'agent-unreachable',
  agentId: agentId(name),
  atMs: 7,
})
const gone = (name: string): RegistryRecord => ({
  kind: 'agent-gone',
  agentId: agentId(name),
  atMs: 8,
})
const forgotten = (name: string): RegistryRecord => ({
  kind: 'agent-forgotten',
  agentId: agentId(name),
})
const left = (name: string): RegistryRecord => ({ kind: 'agent-left', agentId: agentId(name) })
const subscribed = (name: string, secret = 'a'): RegistryRecord => ({
  kind: 'framework',
  ...aFramework(name),
  secretHash: secret.repeat(64),
  name,
  roles: ['*'],
  failoverMs: 1_000,
})
const ended = (name: string): RegistryRecord => ({ kind: 'framework-ended', ...aFramework(name) })
const over = (name: string): RegistryRecord => ({
  kind: 'framework-forgotten',
  ...aFramework(name),
})
const weight = (role: string, value: number): RegistryRecord => ({
  kind: 'weights',
  weights: [{ role, weight: value }],
})
const quota = (role: string, cpus: number): RegistryRecord => ({
  kind: 'quotas',
  quotas: [cpus === 0 ? { role } : { role, limit: { cpus } }],
})

const tableOf = (...records: readonly RegistryRecord[]): RegistryTable => {
  const table = newTable()
  for (const record of records) foldRecord(table, record)
  return table
}
const kindsOf = (table: RegistryTable): string[] =>
  [...table.agents.values()].map((fact) => `${fact.agentId} ${fact.kind}`)

/** Positions stand for sequences: nothing is missing. */
const foldOf = (...batches: readonly RegistryBatch[]): RegistryCopy => {
  const copy = newCopy()
  for (const [i, batch] of batches.entries()) takeBatch(copy, { sequence: i + 1, batch })
  return copy
}

const page = (
  epoch: number,
  n: number,
  where: readonly [number, boolean],
  ...records: RegistryRecord[]
): RegistryBatch => ({
  ...aBatch(epoch, n, ...records),
  snapshot: { page: where[0], last: where[1] },
})

test('an agent that is gone stays so, until it is forgotten', (t) => {
  const before = [admitted('a'), gone('a'), admitted('a'), lost('a'), left('a')]
  t.deepEqual(kindsOf(tableOf(...before)), ['a agent-gone'])
  t.deepEqual(kindsOf(tableOf(...before, forgotten('a'), admitted('a'))), ['a agent-admitted'])
})

test('an agent that came back while it was being forgotten is not', (t) => {
  t.deepEqual(kindsOf(tableOf(lost('a'), admitted('a'), forgotten('a'))), ['a agent-admitted'])
  t.deepEqual(kindsOf(tableOf(lost('a'), forgotten('a'))), [])
})

test('what roles no longer have is not kept', (t) => {
  const table = tableOf(weight('a', 3), quota('a', 2), weight('a', 1), quota('a', 0))
  t.is(table.weights.size + table.quotas.size, 0)
})

test('an ended framework takes no more terms, and none those of another secret', (t) => {
  const key = 'local.f1'
  t.like(tableOf(subscribed('f1'), ended('f1'), subscribed('f1')).frameworks.get(key), {
    kind: 'framework-ended',
  })
  t.like(tableOf(subscribed('f1'), subscribed('f1', 'b')).frameworks.get(key), {
    secretHash: 'a'.repeat(64),
  })
})

test('a complete snapshot stands for all before it, an incomplete one for nothing', (t) => {
  const before = aBatch(4, 1, admitted('a'), admitted('b'))
  const first = page(4, 2, [1, false], weight('x', 2))
  const whole = foldOf(before, first, page(4, 3, [2, true], admitted('c')))
  t.deepEqual(kindsOf(whole.table), ['c agent-admitted'])
  t.deepEqual(whole.position, { epoch: 4, n: 3 })
  t.is(whole.records, 2)
  const cut = foldOf(before, first, aBatch(5, 1, { kind: 'epoch', after: { epoch: 4, n: 2 } }))
  t.deepEqual(kindsOf(cut.table), ['a agent-admitted', 'b agent-admitted'])
  t.deepEqual(cut.position, { epoch: 5, n: 1 })
})

test('pages with something between them, or of two leaders, are no snapshot', (t) => {
  const before = aBatch(4, 1, admitted('a'))
  const last = page(4, 4, [2, true], admitted('c'))
  const between = foldOf(before, page(4, 2, [1, false], weight('x', 2)), aBatch(4, 3), last)
  t.deepEqual(kindsOf(between.table), ['a agent-admitted'])
  const other = page(5, 1, [2, true], admitted('c'))
  const two = foldOf(before, page(4, 2, [1, false], weight('x', 2)), other)
  t.deepEqual(kindsOf(two.table), ['a agent-admitted'])
})

test('a copy knows up to where it is whole, and a snapshot makes it whole again', (t) => {
  const hole = foldOf(aBatch(4, 1, admitted('a')), aBatch(4, 3, admitted('b')))
  t.true(hole.hasGap)
  t.deepEqual(hole.position, { epoch: 4, n: 1 })
  t.deepEqual(kindsOf(hole.table), ['a agent-admitted', 'b agent-admitted'])
  takeBatch(hole, { sequence: 3, batch: page(4, 4, [1, true], admitted('c')) })
  t.false(hole.hasGap)
  t.deepEqual(hole.position, { epoch: 4, n: 4 })
  t.deepEqual(kindsOf(hole.table), ['c agent-admitted'])
})

test('a leader that went on from elsewhere leaves a hole until its snapshot is complete', (t) => {
  const after = { epoch: 4, n: 9 }
  const behind = foldOf(aBatch(4, 1, admitted('a')), aBatch(5, 1, { kind: 'epoch', after }))
  t.true(behind.hasGap)
  t.deepEqual(behind.position, { epoch: 4, n: 1 })
  takeBatch(behind, { sequence: 3, batch: page(5, 2, [1, false], admitted('b')) })
  t.deepEqual(behind.position, { epoch: 4, n: 1 })
  takeBatch(behind, { sequence: 4, batch: page(5, 3, [2, true], admitted('c')) })
  t.deepEqual(behind.position, { epoch: 5, n: 3 })
})

test('what a log holds that was cut off begins with a hole', (t) => {
  t.true(foldOf(aBatch(4, 7, admitted('a'))).hasGap)
  t.false(foldOf(page(4, 7, [1, true], admitted('a'))).hasGap)
})

test('another run of the same epoch, a deposed leader and a repeat count for nothing', (t) => {
  const other = { ...aBatch(5, 2, admitted('x')), run: bits(0x77) } as RegistryBatch
  const copy = foldOf(
    aBatch(5, 1, admitted('a')),
    other,
    aBatch(4, 9, admitted('y')),
    aBatch(5, 1, admitted('z')),
  )
  t.deepEqual(kindsOf(copy.table), ['a agent-admitted'])
  t.false(copy.hasGap)
})

test('a large table makes pages that fit into messages, and an empty one makes one', (t) => {
  const table = tableOf(
    ...Array.from({ length: 20_000 }, (_, i) => admitted(`agent-${i}-of-a-large-cluster`)),
  )
  const pages = openPages(table)
  const made = []
  do made.push(nextPage(pages))
  while (made.at(-1)?.last === false)
  t.true(made.length > 1)
  for (const { records } of made) t.true(wireBytes(records) <= LIST_BYTES_MAX)
  t.deepEqual([...recordsOf(tableOf(...made.flatMap(({ records }) => records)))].length, 20_000)
  t.deepEqual(nextPage(openPages(newTable())), { page: 1, last: true, records: [] })
})

/** Leaders write, write pages of a snapshot, all or some of them, and give way to another. */
type Act =
  | { readonly what: 'write'; readonly records: readonly RegistryRecord[] }
  | { readonly what: 'snapshot'; readonly pages: number; readonly written: number }
  | { readonly what: 'leader'; readonly writesTooLate: boolean }

const names = fc.constantFrom('a', 'b', 'c')
const records: fc.Arbitrary<RegistryRecord> = fc.oneof(
  names.map(admitted),
  names.map(lost),
  names.map(gone),
  names.map(forgotten),
  names.map(left),
  fc.tuple(names, fc.constantFrom('a', 'b')).map(([name, secret]) => subscribed(name, secret)),
  names.map(ended),
  names.map(over),
  fc.tuple(names, fc.integer({ min: 1, max: 3 })).map(([role, value]) => weight(role, value)),
  fc.tuple(names, fc.integer({ min: 0, max: 3 })).map(([role, cpus]) => quota(role, cpus)),
)
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constant('write' as const), records: listOf() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('snapshot' as const),
      pages: fc.integer({ min: 1, max: 4 }),
      written: fc.integer({ min: 0, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('leader' as const), writesTooLate: fc.boolean() }),
  },
)

function listOf(): fc.Arbitrary<readonly RegistryRecord[]> {
  return fc.array(records, { minLength: 1, maxLength: 4 })
}

/** Plays what leaders do; each goes on from what the log says. */
function play(all: readonly Act[]): { log: LogBatch[]; truth: RegistryTable } {
  const log: LogBatch[] = []
  const truth = newTable()
  const copy = newCopy()
  let [epoch, n] = [1, 0]
  const write = (batch: RegistryBatch): void => {
    const entry = { sequence: log.length + 1, batch }
    log.push(entry)
    takeBatch(copy, entry)
  }
  const say = (...said: RegistryRecord[]): void => write(aBatch(epoch, ++n, ...said))
  say({ kind: 'epoch', after: copy.position })
  for (const act of all) {
    if (act.what === 'write') {
      for (const record of act.records) foldRecord(truth, record)
      say(...act.records)
    } else if (act.what === 'snapshot') {
      const held = [...recordsOf(truth)]
      const size = Math.max(1, Math.ceil(held.length / act.pages))
      const cuts = Array.from({ length: Math.max(1, Math.ceil(held.length / size)) }, (_, i) =>
        held.slice(i * size, (i + 1) * size),
      )
      for (const [i, cut] of cuts.slice(0, act.written).entries())
        write(page(epoch, ++n, [i + 1, i === cuts.length - 1], ...cut))
    } else {
      const before = { epoch, n }
      epoch += 2
      n = 0
      say({ kind: 'epoch', after: copy.position })
      if (act.writesTooLate) write(aBatch(before.epoch, before.n + 1, admitted('too-late')))
    }
  }
  return { log, truth }
}

test('a log, and what is left of it below its last snapshot, say the same as its records', (t) => {
  const property = fc.property(fc.array(acts, { maxLength: 25 }), (all) => {
    const { log, truth } = play(all)
    const whole = newCopy()
    let first = 1
    for (const entry of log) {
      const snapshot = takeBatch(whole, entry)
      first = snapshot?.[0]?.sequence ?? first
    }
    t.deepEqual(whole.table, truth)
    const cut = newCopy()
    for (const entry of log) if (entry.sequence >= first) takeBatch(cut, entry)
    t.deepEqual(cut.table, truth)
    t.is(compare(cut.position, whole.position), 0)
    t.false(cut.hasGap)
    // Whoever reads on from anywhere, twice over, knows the same.
    for (const entry of log) takeBatch(cut, entry)
    t.deepEqual(cut.table, truth)
  })
  fc.assert(property, { numRuns: 300 })
})

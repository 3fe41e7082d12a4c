/**
 * A copy of the registry: the log's batches, folded as they were written. It knows up to where it
 * is whole, so that the newest of several copies can be told, and a hole in a log is seen.
 */
import type { RunId } from '../../../protocol/ids.ts'
import type {
  RegistryBatch,
  RegistryPosition,
  RegistryRecord,
} from '../../../protocol/schema/master.ts'
import { foldRecord, newTable, type RegistryTable } from './table.ts'

/** A batch, and where it stands in the bus's log. */
export interface LogBatch {
  /** 0: it never stood there. */
  readonly sequence: number
  readonly batch: RegistryBatch
}

export const NOWHERE: RegistryPosition = { epoch: 0, n: 0 }

interface Place extends RegistryPosition {
  readonly run: RunId
  readonly sequence: number
}

export interface RegistryCopy {
  table: RegistryTable
  /** Of the last batch up to which nothing is missing. */
  position: RegistryPosition
  /** Something is missing between that and the last batch. */
  hasGap: boolean
  /** The last batch; none: it holds nothing. */
  last: Place | undefined
  /** Records since the last snapshot began, with those of the snapshot. */
  records: number
  /** The snapshot that is being read. */
  pages: LogBatch[] | undefined
}

export const newCopy = (): RegistryCopy => ({
  table: newTable(),
  position: NOWHERE,
  hasGap: false,
  last: undefined,
  records: 0,
  pages: undefined,
})

/** Below 0: `a` is older. */
export const compare = (a: RegistryPosition, b: RegistryPosition): number =>
  a.epoch - b.epoch || a.n - b.n

/**
 * False of what counts for nothing: a deposed leader's, another run's of the same epoch, a repeat.
 */
export function counts({ last }: RegistryCopy, { epoch, run, n }: RegistryBatch): boolean {
  if (last === undefined || epoch > last.epoch) return true
  return epoch === last.epoch && run === last.run && n > last.n
}

/** Nothing is missing between what the copy holds and `batch`. */
export function follows({ last, position, hasGap }: RegistryCopy, batch: RegistryBatch): boolean {
  if (hasGap) return false
  if (last !== undefined && batch.epoch === last.epoch) return batch.n === last.n + 1
  if (batch.n !== 1 || batch.snapshot !== undefined) return false
  const [first] = batch.records
  const after = first?.kind === 'epoch' ? first.after : undefined
  return after === undefined || compare(after, position) === 0
}

/** Takes the next batch of the log, if it counts. Returns the snapshot that it completes. */
export function takeBatch(copy: RegistryCopy, entry: LogBatch): readonly LogBatch[] | undefined {
  const { sequence, batch } = entry
  if (!counts(copy, batch)) return undefined
  if (!follows(copy, batch)) copy.hasGap = true
  const snapshot = pagesWith(copy, entry)
  const { epoch, run, n } = batch
  copy.last = { epoch, run, n, sequence }
  copy.records += batch.records.length
  if (batch.snapshot === undefined) {
    for (const record of batch.records) foldRecord(copy.table, record)
  } else if (snapshot !== undefined) replace(copy, snapshot)
  if (!copy.hasGap) copy.position = { epoch, n }
  return snapshot
}

/** The snapshot, if the batch is its last page and none is missing. */
function pagesWith(copy: RegistryCopy, entry: LogBatch): readonly LogBatch[] | undefined {
  const { snapshot } = entry.batch
  const before = snapshot?.page === 1 ? [] : copy.pages
  copy.pages = undefined
  if (snapshot === undefined || before === undefined) return undefined
  if (snapshot.page !== before.length + 1 || !isNext(before.at(-1), entry)) return undefined
  before.push(entry)
  if (snapshot.last) return before
  copy.pages = before
  return undefined
}

const isNext = (before: LogBatch | undefined, { batch }: LogBatch): boolean =>
  before === undefined ||
  (before.batch.epoch === batch.epoch &&
    before.batch.run === batch.run &&
    before.batch.n + 1 === batch.n)

function replace(copy: RegistryCopy, pages: readonly LogBatch[]): void {
  const records = pages.flatMap(({ batch }) => batch.records)
  copy.table = tableOf(records)
  copy.records = records.length
  copy.hasGap = false
}

export function tableOf(records: Iterable<RegistryRecord>): RegistryTable {
  const table = newTable()
  for (const record of records) foldRecord(table, record)
  return table
}

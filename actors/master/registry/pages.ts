/** A table as pages, each of which fits into one message: made one by one, as they are needed. */
import { LIST_BYTES_MAX } from '../../../protocol/limits.ts'
import type { RegistryRecord } from '../../../protocol/schema/master.ts'
import { wireBytesAtMost } from '../../../protocol/wire-size.ts'
import type { Pages } from './state.ts'
import { type RegistryTable, recordsOf } from './table.ts'

const PAGE_RECORDS_MAX = 4_096

export interface Page {
  readonly page: number
  readonly last: boolean
  readonly records: RegistryRecord[]
}

/** The table must stay as it is until the last page is made. */
export function openPages(table: RegistryTable): Pages {
  const records = recordsOf(table)
  return { records, next: nextOf(records), page: 0 }
}

/** One of a table that holds nothing has no records. */
export function nextPage(pages: Pages): Page {
  const list: RegistryRecord[] = []
  let bytes = 0
  while (pages.next !== undefined && list.length < PAGE_RECORDS_MAX) {
    bytes += wireBytesAtMost(pages.next)
    if (list.length > 0 && bytes > LIST_BYTES_MAX) break
    list.push(pages.next)
    pages.next = nextOf(pages.records)
  }
  pages.page += 1
  return { page: pages.page, last: pages.next === undefined, records: list }
}

function nextOf(records: Pages['records']): RegistryRecord | undefined {
  const { done, value } = records.next()
  return done === true ? undefined : value
}

/** A bucket: as NATS's key-value buckets are, so that their tools show it. */
import type { StoredMsg } from '@nats-io/jetstream'
import type { KeyValueStore } from '../bus.ts'
import { headersOf } from './headers.ts'
import { bucketStream, bucketSubject } from './store-rights.ts'
import { openStream, type StoreOptions } from './stream.ts'

/** Marks a value that was deleted, by hand: we never do. */
const OPERATION_HEADER = 'KV-Operation'

/** Without a time to live: who holds a lease decides by its own clock. */
const SETTINGS = {
  storage: 'file',
  retention: 'limits',
  discard: 'new',
  max_msgs_per_subject: 1,
  max_age: 0,
  max_bytes: -1,
  max_msgs: -1,
  allow_rollup_hdrs: true,
  deny_delete: true,
} as const

export async function openKeyValue(
  options: StoreOptions & { readonly bucket: string },
): Promise<KeyValueStore> {
  const { bucket } = options
  const subject = (key: string): string => bucketSubject(bucket, key)
  const stream = await openStream(options, {
    ...SETTINGS,
    name: bucketStream(bucket),
    subjects: [subject('>')],
  })
  const last = (key: string): Promise<StoredMsg | undefined> =>
    stream.get({ last_by_subj: subject(key) })
  const write = (key: string, value: Uint8Array, revision: number) =>
    stream.append(subject(key), value, { lastSequenceOfSubject: revision })
  return {
    async read(key) {
      const entry = await last(key)
      if (entry === undefined) await stream.healEnd()
      if (entry === undefined || isDeleted(entry)) return undefined
      return { value: entry.data, revision: entry.seq }
    },
    async write(key, value, revision) {
      let written = await write(key, value, revision)
      if (written === undefined && revision === 0) {
        const entry = await last(key)
        if (entry !== undefined && isDeleted(entry)) written = await write(key, value, entry.seq)
      }
      return written === undefined ? { done: false } : { done: true, revision: written }
    },
  }
}

const isDeleted = (entry: StoredMsg): boolean =>
  headersOf(() => entry.header)?.has(OPERATION_HEADER) ?? false

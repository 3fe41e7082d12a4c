/** A log: a stream that is only appended to, and cut at its beginning. */
import type { LogEntry, LogStore } from '../bus.ts'
import { logSubject } from './store-rights.ts'
import { openStream, type StoreOptions, type Stream } from './stream.ts'

const SETTINGS = {
  storage: 'file',
  retention: 'limits',
  discard: 'new',
  max_msgs_per_subject: -1,
  max_age: 0,
  max_bytes: -1,
  max_msgs: -1,
  deny_delete: true,
} as const

/** So many reads are on their way at once. Each answer may be as large as a message. */
const READS_MAX = 32

export async function openLog(
  options: StoreOptions & { readonly name: string },
): Promise<LogStore> {
  const { name } = options
  const subject = logSubject(name)
  const stream = await openStream(options, { ...SETTINGS, name, subjects: [subject] })
  return {
    async append(payload, lastSequence) {
      const sequence = await stream.append(subject, payload, { lastSequence })
      return sequence === undefined ? { done: false } : { done: true, sequence }
    },
    async readFrom(sequence, entriesMax) {
      const { first, last } = await stream.bounds()
      const begin = Math.max(first, sequence)
      const end = Math.min(last, begin + entriesMax - 1)
      const entries: LogEntry[] = []
      for (let from = begin; from <= end; from += READS_MAX)
        entries.push(...(await readSome(stream, from, Math.min(end, from + READS_MAX - 1))))
      if (end === last && begin <= last && entries.at(-1)?.sequence !== last) await stream.healEnd()
      return { entries, next: Math.max(begin, end + 1), lastSequence: last }
    },
    removeBelow: (sequence) => stream.removeBelow(sequence),
  }
}

/** Those from `first` to `last` that are still there. */
async function readSome(stream: Stream, first: number, last: number): Promise<readonly LogEntry[]> {
  const sequences = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const found = await Promise.all(sequences.map((seq) => stream.get({ seq })))
  return found.flatMap((entry) =>
    entry === undefined ? [] : [{ sequence: entry.seq, payload: entry.data }],
  )
}

/** What a master knows of the registry, and what it is about to do with it. */
import type { MasterId, RunId } from '../../../protocol/ids.ts'
import type {
  RegistryBatch,
  RegistryPosition,
  RegistryRecord,
} from '../../../protocol/schema/master.ts'
import { type LogBatch, newCopy, type RegistryCopy, takeBatch } from './copy.ts'
import type { TableRecord } from './table.ts'

/** Of every master. */
export interface RegistryState {
  copy: RegistryCopy
  readonly disk: CopyDisk
  reading: Reading | undefined
  /** How many there were. */
  readings: number
  /** Of one that holds the lease, and has not written yet. */
  takeover: Takeover | undefined
  /** How far the copies of other masters go. */
  readonly positions: Map<MasterId, PeerPosition>
  /** Another master fetches this one's copy. */
  lending: Lending | undefined
  /** Ever asked of other masters. */
  asked: number
}

export interface PeerPosition {
  readonly position: RegistryPosition
  /** Its disk has all of that. */
  readonly isSaved: boolean
  /** When (monotonic) it said so. */
  readonly atMs: number
}

export interface Saving {
  readonly where: 'behind' | 'instead'
  readonly batches: readonly LogBatch[]
  /** Monotonic. */
  readonly sinceMs: number
}

/** What of the copy is on its way to the disk: one saving at a time. */
export interface CopyDisk {
  saving: Saving | undefined
  /** To be saved in the place of all that is there, before what waits. */
  instead: readonly LogBatch[] | undefined
  /** To be saved behind the others. */
  readonly waiting: LogBatch[]
  /** When (monotonic) to try again after a fault. */
  retryAtMs: number
  isFailing: boolean
  /** What this master's copy began with is not there: nothing is saved behind what is. */
  lacksBeginning: boolean
}

/**
 * `follow`: a leader has written more. `takeover`: before the first record. `read-back`: what
 * became of a record, or whether the log still ends as it was written. `check`: whether it still
 * holds all, from its beginning on.
 */
export type ReadingReason = 'follow' | 'takeover' | 'read-back' | 'check'

/** A reading of the log, part by part. */
export interface Reading {
  readonly number: number
  readonly why: ReadingReason
  readonly epoch: number
  from: number
  /** What this master's copy held when it was asked. */
  readonly least: RegistryPosition
  /** Up to here the first part is known; it must begin with that. */
  isFirst: boolean
  /** All of the log is folded into a copy of its own: the log does not go on from this one's. */
  anew: { readonly copy: RegistryCopy; batches: LogBatch[] } | undefined
  /** The highest epoch that wrote. */
  highest: number
  /** A leader wrote that is not lower, and is another. */
  isSuperseded: boolean
  /** Where the batch that is on its way was found. */
  found: number | undefined
}

export interface Takeover {
  /** Monotonic. */
  readonly sinceMs: number
  isEpochSaved: boolean
  log: LogRead | undefined
  /** It was read once more because another master knows more. */
  hasReadAgain: boolean
  fetching: Fetching | undefined
  /** What is left of the copy to be taken over. */
  recalling: Iterator<TableRecord, undefined> | undefined
  /** Until when (monotonic) other masters are listened to. */
  waitsUntilMs: number
  /** So often another master may still be asked for its copy. */
  readonly triesLeft: Map<MasterId, number>
}

/** The log was read, at `atMs` (monotonic). `isWhole`: it holds what this master's copy does. */
export interface LogRead {
  readonly lastSequence: number
  readonly isWhole: boolean
  readonly atMs: number
}

export interface Fetching {
  readonly from: MasterId
  readonly snapshot: number
  readonly records: RegistryRecord[]
  pages: number
  /** Monotonic. */
  readonly sinceMs: number
  /** Given up when (monotonic) nothing has come until then. */
  untilMs: number
}

export interface Lending {
  readonly to: RunId
  readonly snapshot: number
  readonly position: RegistryPosition
  readonly pages: Pages
}

/** A table cut into messages, one after the other. */
export interface Pages {
  readonly records: Iterator<RegistryRecord>
  next: RegistryRecord | undefined
  page: number
}

/** Of a leader. `After`: what it does when something is written. */
export interface LeaderRegistry<After> {
  lastSequence: number
  /** Of this leader's last batch. */
  n: number
  readonly queue: { readonly record: RegistryRecord; readonly after: After }[]
  /** How many subscriptions and ends of a framework are among them, by its key. */
  readonly changing: Map<string, number>
  /** The batch on its way: to the log, and then to this master's disk. */
  flying: Flying<After> | undefined
  /** A snapshot that is being written; what is queued comes after it. */
  snapshot: WritingSnapshot<After> | undefined
  /** The log seemed to lack records when it was read whole: it is read once more. */
  isDoubted: boolean
}

export interface Flying<After> {
  readonly batch: RegistryBatch
  /** Of the queue; 0: it is a page of `snapshot`. */
  readonly count: number
  readonly snapshot: WritingSnapshot<After> | undefined
  isStored: boolean
}

export interface WritingSnapshot<After> {
  readonly pages: Pages
  readonly after: After
  /** Of its first page in the log; 0: not written yet. */
  sequence: number
}

/** With what this master's disk holds. */
export function newRegistry(saved: readonly LogBatch[]): RegistryState {
  const copy = newCopy()
  for (const batch of saved) takeBatch(copy, batch)
  return {
    copy,
    disk: {
      saving: undefined,
      instead: undefined,
      waiting: [],
      retryAtMs: Number.POSITIVE_INFINITY,
      isFailing: false,
      lacksBeginning: false,
    },
    reading: undefined,
    readings: 0,
    takeover: undefined,
    positions: new Map(),
    lending: undefined,
    asked: 0,
  }
}

export const newTakeover = (sinceMs: number): Takeover => ({
  sinceMs,
  isEpochSaved: false,
  log: undefined,
  waitsUntilMs: sinceMs,
  hasReadAgain: false,
  fetching: undefined,
  recalling: undefined,
  triesLeft: new Map(),
})

export const newLeaderRegistry = <After>(lastSequence: number): LeaderRegistry<After> => ({
  lastSequence,
  n: 0,
  queue: [],
  changing: new Map(),
  flying: undefined,
  snapshot: undefined,
  isDoubted: false,
})

/** What masters tell each other of their copies, and how one fetches another's. */
import type { MasterId } from '../../../protocol/ids.ts'
import { LEADER_SILENCE_MS } from '../../../protocol/limits.ts'
import type { PeerBeat } from '../../../protocol/schema/master.ts'
import { isNear } from '../lead/epochs.ts'
import type { Turn } from '../turn.ts'
import { compare, NOWHERE } from './copy.ts'
import { isSaved, isSound } from './disk.ts'
import { nextPage, openPages } from './pages.ts'
import type { Fetching, Takeover } from './state.ts'

/** A page of another master's copy comes within this, or it or the question got lost. */
const PAGE_MS_MAX = 500
/** And all of them within this, however busily it sends them. */
const COPY_MS_MAX = 30_000
/** So often one master is asked for its copy. */
const TRIES_MAX = 3

type CopyPage = NonNullable<PeerBeat['copy']>

/** How far this master's copy goes, for its beats. */
export function ownPosition(turn: Turn): Pick<PeerBeat, 'registry' | 'saved'> {
  const { position } = turn.state.registry.copy
  if (position.epoch === 0) return {}
  return isSaved(turn) && isSound(turn)
    ? { registry: position, saved: true }
    : { registry: position }
}

/** Another master has said how far its copy goes. Of too many the rest is not remembered. */
export function notePosition(turn: Turn, masterId: MasterId, beat: PeerBeat): void {
  const { positions } = turn.state.registry
  if (!turn.state.peers.has(masterId)) return
  const atMs = turn.now.monotonicMs
  const { registry: position = NOWHERE, saved: isSaved = false } = beat
  // Nobody can have written there.
  if (!isNear(turn.state.highestEpoch, position.epoch)) return
  positions.set(masterId, { position, isSaved, atMs })
  for (const known of positions.keys()) {
    if (!turn.state.peers.has(known)) positions.delete(known)
  }
}

/** Whose copy goes further than this master's, of those that were heard lately and may answer. */
export function newerPeer({ state, now }: Turn): MasterId | undefined {
  const { positions, copy, takeover } = state.registry
  let newest = copy.position
  let found: MasterId | undefined
  for (const [masterId, { position, atMs }] of positions) {
    const isMute = takeover !== undefined && triesLeft(takeover, masterId) === 0
    const isLate = now.monotonicMs - atMs > LEADER_SILENCE_MS
    if (isLate || isMute || compare(position, newest) <= 0) continue
    newest = position
    found = masterId
  }
  return found
}

/** The disk of a master that was heard lately has all that this one's copy holds. */
export function isSavedElsewhere({ state, now }: Turn): boolean {
  const { positions, copy } = state.registry
  for (const { position, isSaved, atMs } of positions.values()) {
    const isLate = now.monotonicMs - atMs > LEADER_SILENCE_MS
    if (!isLate && isSaved && compare(position, copy.position) >= 0) return true
  }
  return false
}

const triesLeft = ({ triesLeft }: Takeover, masterId: MasterId): number =>
  triesLeft.get(masterId) ?? TRIES_MAX

/** Asks for all that it holds: one that says what is not so is asked no more often than others. */
export function askForCopy(turn: Turn, takeover: Takeover, from: MasterId): Fetching {
  const { registry } = turn.state
  registry.asked += 1
  takeover.triesLeft.set(from, triesLeft(takeover, from) - 1)
  const nowMs = turn.now.monotonicMs
  const untilMs = nowMs + PAGE_MS_MAX
  return { from, snapshot: registry.asked, records: [], pages: 0, sinceMs: nowMs, untilMs }
}

/** Another master asks for this one's copy: it goes out page by page. */
export function lend({ state }: Turn, beat: PeerBeat): void {
  const { registry } = state
  if (beat.asks?.master !== state.masterId) return
  const { position, table } = registry.copy
  const { snapshot } = beat.asks
  registry.lending = { to: beat.run, snapshot, position, pages: openPages(table) }
}

/** The next page, at the end of a turn. */
export function pageToLend({ state }: Turn): CopyPage | undefined {
  const { registry } = state
  const { lending, copy } = registry
  const { last } = copy
  if (lending === undefined || last === undefined) {
    registry.lending = undefined
    return undefined
  }
  const { to, snapshot, position } = lending
  const { page, last: isLast, records } = nextPage(lending.pages)
  if (isLast) registry.lending = undefined
  return { to, snapshot, page, last: isLast, ...position, run: last.run, records }
}

/** True when it was the last page that was missing. */
export function takePage(turn: Turn, fetching: Fetching, page: CopyPage): boolean {
  if (!isNear(turn.state.highestEpoch, page.epoch)) return false
  if (page.to !== turn.state.run || page.snapshot !== fetching.snapshot) return false
  if (page.page !== fetching.pages + 1) return false
  fetching.pages += 1
  for (const record of page.records) fetching.records.push(record)
  fetching.untilMs = Math.min(turn.now.monotonicMs + PAGE_MS_MAX, fetching.sinceMs + COPY_MS_MAX)
  return page.last
}

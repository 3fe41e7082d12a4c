/** Public events as lines: for people aligned and harmless, for programs JSON. */

import type { StoredMessage } from '../bus/bus.ts'
import { decode } from '../bus/codec.ts'
import type { HistoryItem } from '../bus/history.ts'
import { check } from '../protocol/check.ts'
import type { PublicEvents } from '../protocol/schema/event.ts'
import { type EventIds, eventIdsOf } from '../protocol/subjects.ts'
import { whyOf } from './columns.ts'
import { type Gap, GapFinder } from './event-gaps.ts'
import { jsonLine } from './io.ts'
import { plainValue } from './plain-value.ts'
import { plural } from './plural.ts'
import { isNoQuota, quotaText } from './roles/flags.ts'
import { cutMiddle, cutToWidth, harmless, widthOf } from './text.ts'

type PublicEvent = PublicEvents['events'][number]

export interface EventLinesOptions {
  readonly json: boolean
  /** Columns of the terminal; absent: nothing is cut. */
  readonly columns?: number | undefined
  /** All events are read: gaps in the leaders' own numbers show. */
  readonly isWhole: boolean
}

/** Makes lines of what a history gives. */
export class EventLines {
  readonly #options: EventLinesOptions
  readonly #gaps: GapFinder
  readonly #whoWidthMax: number
  /** Grows with what comes, so that what follows stands under it. */
  #whoWidth: number

  constructor(options: EventLinesOptions) {
    const { columns = Number.POSITIVE_INFINITY, isWhole } = options
    this.#options = options
    this.#gaps = new GapFinder(isWhole)
    this.#whoWidthMax = Math.min(WHO_WIDTH_MAX, Math.max(WHO_WIDTH_MIN, columns - OTHERS_WIDTH))
    this.#whoWidth = Math.min(WHO_WIDTH, this.#whoWidthMax)
  }

  of(item: HistoryItem): readonly string[] {
    if (item.kind !== 'message') return this.#gaps.ofStore(item).map((gap) => this.#gap(gap))
    const { message } = item
    const read = eventsOf(message)
    if (typeof read === 'string') return [this.#unreadable(message, read)]
    const { ids, body } = read
    const gaps = this.#gaps.ofNumbers(body, message.sequence).map((gap) => this.#gap(gap))
    return [...gaps, ...body.events.map((event) => this.#event(message, { ids, body, event }))]
  }

  #event(message: StoredMessage, said: Said): string {
    const { subject, sequence } = message
    const { ids, body, event } = said
    const { kind, what } = ids
    if (this.#options.json) {
      const { epoch, run, n } = body
      const fields = plainValue(event) as object
      return jsonLine({ sequence, subject, kind, what, epoch, run, n, ...fields })
    }
    const who = cutMiddle(harmless(whoOf(said)), this.#whoWidthMax)
    this.#whoWidth = Math.max(this.#whoWidth, widthOf(who))
    const gap = ' '.repeat(Math.max(0, this.#whoWidth - widthOf(who)))
    const word = `${kind}.${what}`.padEnd(WORD_WIDTH)
    return this.#line(message, event.atMs, `${word}  ${who}${gap}  ${sayingOf(said)}`)
  }

  #unreadable(message: StoredMessage, why: string): string {
    const { sequence, subject, atMs } = message
    if (this.#options.json) return jsonLine({ unreadable: { sequence, subject, why } })
    return this.#line(message, atMs, `${subject} is no event: ${why}`)
  }

  #gap(gap: Gap): string {
    if (this.#options.json) return jsonLine({ gap })
    return this.#fit(`${' '.repeat(SEQUENCE_WIDTH)}  gap: ${sentenceOf(gap)}`)
  }

  #line({ sequence }: StoredMessage, atMs: number, text: string): string {
    const { columns = Number.POSITIVE_INFINITY } = this.#options
    const date = columns < NARROW ? '' : `${dateOf(atMs)} `
    const time = columns < NARROWEST ? '' : `${date}${clockOf(atMs)}  `
    const number = String(sequence).padStart(SEQUENCE_WIDTH)
    return this.#fit(`${number}  ${time}${harmless(text).trimEnd()}`)
  }

  #fit(line: string): string {
    const { columns } = this.#options
    return columns === undefined ? line : cutToWidth(line, columns)
  }
}

const SEQUENCE_WIDTH = 6
const WORD_WIDTH = 'framework.subscribed'.length
/** Of a run's tasks. */
const WHO_WIDTH = 28
const WHO_WIDTH_MIN = 16
const WHO_WIDTH_MAX = 60
/** All but who it is about, with something to say. */
const OTHERS_WIDTH = 76
/** A terminal of fewer columns gets no dates. */
const NARROW = 100
/** One of fewer gets no times either: there must be room for what is said. */
const NARROWEST = 80

/** One event with the message that it came in. */
interface Said {
  readonly ids: EventIds
  readonly body: PublicEvents
  readonly event: PublicEvent
}

/** What a stored message says, or why it says nothing. */
function eventsOf({ subject, payload }: StoredMessage) {
  const ids = eventIdsOf(subject)
  if (ids === undefined) return 'the subject is not one of events'
  const decoded = decode(payload)
  const checked = decoded.ok ? check('PublicEvents', decoded.value) : decoded
  return checked.ok ? { ids, body: checked.value as PublicEvents } : checked.refusal.message
}

const two = (part: number): string => String(part).padStart(2, '0')

/** In local time, as all that people read. */
function dateOf(atMs: number): string {
  const time = new Date(atMs)
  return `${two(time.getMonth() + 1)}-${two(time.getDate())}`
}

function clockOf(atMs: number): string {
  const time = new Date(atMs)
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

const LOCAL = 'local'

function whoOf({ ids, event }: Said): string {
  const { principal, frameworkId, kind } = ids
  if (kind === 'role') return event.role ?? ''
  if (frameworkId === undefined) return (kind === 'agent' ? event.agentId : event.name) ?? ''
  const framework = principal === LOCAL ? frameworkId : `${principal}/${frameworkId}`
  const taskId = event.status?.taskId
  return taskId === undefined ? framework : `${framework}/${taskId}`
}

/** By kind and word: the rest of a sentence that begins with who it is about. */
const SAYINGS: Readonly<Record<string, (event: PublicEvent, body: PublicEvents) => string>> = {
  'master.leads': (_, { epoch }) => `leads from now on: epoch ${epoch}`,
  'allocator.policy-failed': ({ message = '' }) =>
    `was no good, the allocator goes on with the default: ${message}`,
  'agent.registered': ({ name }) => (name === undefined ? 'is there' : `is there, on ${name}`),
  'agent.stopped': () => 'was stopped',
  'agent.left': () => 'was stopped for good',
  'agent.unreachable': () => 'does not answer',
  'agent.gone': ({ principal }) =>
    `was given up${principal === undefined ? '' : ` by ${principal}`}`,
  'role.quota-set': (event) =>
    isNoQuota(event)
      ? `has no quota any more: ${event.principal} has removed it`
      : `has a quota, set by ${event.principal}: ${quotaText(event)}`,
  'role.weight-set': ({ principal, weight }) => `has weight ${weight}, set by ${principal}`,
  'framework.subscribed': ({ name = '' }) => `is there: ${name}`,
  'framework.updated': ({ message = '' }) => `has changed its ${message}`,
  'framework.away': ({ name = '' }) => `does not answer: ${name}`,
  'framework.ended': ({ name = '', message }) =>
    message === undefined ? `was torn down: ${name}` : `has ended (${message}): ${name}`,
  'offer.accepted': ({ offers, agentId = '', tasks = 0 }) =>
    `used ${plural(offers?.length ?? 1, 'offer')} of ${agentId} for ${plural(tasks, 'task')}`,
}

function sayingOf({ ids: { kind, what }, body, event }: Said): string {
  const saying = SAYINGS[`${kind}.${what}`]
  if (saying !== undefined) return saying(event, body)
  const { agentId, status, message } = event
  return [agentId && `on ${agentId}`, status ? whyOf(status) : message].filter(Boolean).join(': ')
}

function sentenceOf(gap: Gap): string {
  switch (gap.why) {
    case 'expired': {
      const { from, to } = gap
      const those = from === to ? `sequence ${from}` : `sequences ${from} to ${to}`
      return `${plural(to - from + 1, 'message')}, ${those}: the history keeps them no longer`
    }
    case 'unstored': {
      const { from, to, epoch } = gap
      const those = from === to ? `number ${from}` : `numbers ${from} to ${to}`
      return `${plural(to - from + 1, 'message')}, ${those} of epoch ${epoch}: not in the history`
    }
    case 'epochs': {
      const { from, to } = gap
      if (from === to) return `epoch ${from}: no event of it is kept`
      return `epochs ${from} to ${to}: no event of them is kept`
    }
    case 'began-anew':
      return gap.after === undefined
        ? 'the history was lost and begins anew, with sequence 1'
        : `the last one is ${gap.last}, not ${gap.after} or more; all there is follows`
  }
}

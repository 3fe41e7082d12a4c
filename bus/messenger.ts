/** What shells speak: routes and checked bodies, where the bus below knows subjects and bytes. */
import assert from 'node:assert/strict'
import { check } from '../protocol/check.ts'
import { type Refusal, refusal } from '../protocol/errors.ts'
import { isToken } from '../protocol/ids.ts'
import { MESSAGE_BYTES_MAX } from '../protocol/limits.ts'
import type { Route } from '../protocol/route.ts'
import type { Message, MessageName } from '../protocol/schema/messages.ts'
import { BARE_INBOX } from '../protocol/subjects.ts'
import type { Bus, BusMessage, Subscription } from './bus.ts'
import { type CallsDeps, openCalls } from './calls.ts'
import { decode, encode } from './codec.ts'
import { isReplyIn, refusalBody, refusalHeaders } from './service.ts'

/** Where an answer goes: proved to be the sender's own inbox. */
export interface Answerable {
  readonly subject: string
  readonly reply?: string
}

/** A call as it was heard. */
export interface Called extends Answerable {
  /** How long it was on the wire. */
  readonly bytes: number
}

export type Handle<Ids, Name extends MessageName> = (
  body: Message<Name>,
  ids: Ids,
  message: Answerable,
) => void

export interface Service<Ids, Name extends MessageName> {
  readonly handle: (body: Message<Name>, ids: Ids, call: Called) => void
  /**
   * The inbox prefix, without the last dot, of the sender that `ids` name: the only answered one.
   */
  readonly inboxOf: (ids: Ids) => string
  /**
   * Asked before anything is decoded, with the length of it. `refused`: answered as `too-many`;
   * `silenced`: not answered either. Default: everybody is admitted.
   */
  readonly admit?: (ids: Ids, bytes: number) => 'admitted' | 'refused' | 'silenced'
}

export interface OutgoingCall<Name extends MessageName> {
  readonly body: Message<Name>
  readonly timeoutMs: number
}

export interface MessengerDeps extends CallsDeps {
  /** The bus knows no credentials: answers may also go to any `_INBOX.`. */
  readonly isOpen: boolean
  /** Bad input: for counting and logging. It has been answered if that was possible. */
  readonly onRefused: (subject: string, refused: Refusal, message: BusMessage) => void
}

export interface Messenger {
  readonly bus: Bus
  /** Publishes: at most once, nothing is learned of its fate. */
  send<Ids, Name extends MessageName>(route: Route<Ids, Name>, ids: Ids, body: Message<Name>): void
  /** Hears what is sent on `route`; an id that is left out is any. Nothing is answered. */
  listen<Ids, Name extends MessageName>(
    route: Route<Ids, Name>,
    ids: Partial<Ids>,
    handle: Handle<Ids, Name>,
  ): Subscription
  /** Hears calls, which may want an answer; bad ones are refused here. */
  serve<Ids, Name extends MessageName>(
    route: Route<Ids, Name>,
    ids: Partial<Ids>,
    service: Service<Ids, Name>,
  ): Subscription
  /** Answers a call; nothing happens if no answer is wanted or allowed. */
  answer(message: Answerable, body: unknown): void
  /** Answers a call with a refusal. */
  refuse(message: Answerable, refused: Refusal): void
  /**
   * Sends and waits for the answer, whose shape is the caller's to check.
   * @throws {ClusterError} as `Calls.call`.
   */
  call<Ids, Name extends MessageName>(
    route: Route<Ids, Name>,
    ids: Ids,
    call: OutgoingCall<Name>,
  ): Promise<unknown>
  /** Ends waiting calls. Subscriptions end with the connection. */
  close(): void
}

export function openMessenger(deps: MessengerDeps): Messenger {
  const { bus, isOpen, onRefused } = deps
  const calls = openCalls(deps)
  const messenger: Messenger = {
    bus,
    send: (route, ids, body) => bus.publish(route.to(ids), encodeOwn(body)),
    listen: (route, ids, handle) =>
      bus.subscribe(route.on(ids), (message) => {
        const { subject } = message
        const parsed = read(route, route.parse(subject), message)
        if (parsed.ok) handle(parsed.body, parsed.ids, { subject })
        else onRefused(subject, parsed.refusal, message)
      }),
    serve: (route, ids, { handle, inboxOf, admit }) =>
      bus.subscribe(route.on(ids), (message) => {
        const { subject } = message
        const sender = route.parse(subject)
        const admission = (sender && admit?.(sender, message.payload.length)) ?? 'admitted'
        if (admission === 'silenced') return onRefused(subject, TOO_MANY, message)
        const from = answerable(message, sender && inboxOf(sender), isOpen)
        const parsed = admission === 'refused' ? NOT_ADMITTED : read(route, sender, message)
        if (parsed.ok)
          return handle(parsed.body, parsed.ids, { ...from, bytes: message.payload.length })
        messenger.refuse(from, parsed.refusal)
        onRefused(subject, parsed.refusal, message)
      }),
    answer({ reply }, body) {
      if (reply !== undefined) bus.publish(reply, encodeOwn(body))
    },
    refuse({ reply }, refused) {
      if (reply === undefined) return
      bus.publish(reply, encodeOwn(refusalBody(refused)), { headers: refusalHeaders(refused) })
    },
    call: (route, ids, { body, timeoutMs }) =>
      calls.call(route.to(ids), encodeOwn(body), timeoutMs),
    close: () => calls.close(),
  }
  return messenger
}

/** What we send ourselves fits: whoever made it kept the limits. */
function encodeOwn(body: unknown): Uint8Array {
  const payload = encode(body)
  assert(
    payload.length <= MESSAGE_BYTES_MAX,
    `a message of ${payload.length} bytes is more than ${MESSAGE_BYTES_MAX}`,
  )
  return payload
}

function answerable(
  { subject, reply }: BusMessage,
  inbox: string | undefined,
  isOpen: boolean,
): Answerable {
  // A sender that cannot be named has no inbox of its own; where all are open that is no matter.
  const own = inbox ?? (isOpen ? OPEN_INBOX : undefined)
  const isAllowed = reply !== undefined && own !== undefined && isReplyIn(reply, own, isOpen)
  return isAllowed ? { subject, reply } : { subject }
}

type Parsed<Ids, Name extends MessageName> =
  | { readonly ok: true; readonly ids: Ids; readonly body: Message<Name> }
  | { readonly ok: false; readonly refusal: Refusal }

const TOO_MANY = refusal('too-many', 'more calls than one caller may make: try again later')
const NOT_ADMITTED = { ok: false, refusal: TOO_MANY } as const
const OPEN_INBOX = BARE_INBOX.slice(0, -1)

function noId(subject: string): Refusal {
  const wrong = subject.split('.').find((token) => !isToken(token)) ?? ''
  const shown = JSON.stringify(wrong.slice(0, 80))
  return refusal('invalid', `${shown} in the subject is no id: 1 to 64 letters, digits, _ or -`)
}

function noVerb(subject: string, verbs: readonly string[]): Refusal {
  const verb = JSON.stringify(subject.slice(subject.lastIndexOf('.') + 1))
  return refusal('unknown-verb', `${verb} is no verb: ${[...verbs].sort().join(', ')}`)
}

/** `ids`: what the subject says, if it is one of the route. */
function read<Ids, Name extends MessageName>(
  route: Route<Ids, Name>,
  ids: Ids | undefined,
  { subject, payload, reading }: BusMessage,
): Parsed<Ids, Name> {
  if (ids === undefined) return { ok: false, refusal: noId(subject) }
  const name = route.body(ids)
  if (name === undefined) return { ok: false, refusal: noVerb(subject, route.verbs) }
  const known = reading?.as(name)
  if (known !== undefined) return { ok: true, ids, body: known as Message<Name> }
  const decoded = decode(payload)
  if (!decoded.ok) return decoded
  const checked = check(name, decoded.value)
  if (!checked.ok) return checked
  reading?.keep(name, checked.value)
  return { ok: true, ids, body: checked.value }
}

/** A subject, declared once and used by both ends. */
import assert from 'node:assert/strict'
import type { AgentId, FrameworkId, MasterId, Principal, ShadowId } from './ids.ts'
import { isToken } from './ids.ts'
import type { MessageName } from './schema/messages.ts'

/** What may stand in braces in a subject, and which kind of id it is. */
interface SubjectIds {
  readonly cluster: string
  readonly agentId: AgentId
  readonly frameworkId: FrameworkId
  readonly masterId: MasterId
  readonly principal: Principal
  readonly shadowId: ShadowId
  readonly verb: string
  readonly kind: string
  readonly what: string
}

type Names<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never

export type IdsOf<P extends string> = {
  readonly [K in Names<P> & keyof SubjectIds]: SubjectIds[K]
}

export interface Route<Ids, Body extends MessageName> {
  /** The subject with its ids in braces. */
  readonly template: string
  /** Which message travels there; undefined: a verb that does not exist. */
  body(ids: Ids): Body | undefined
  /** The verbs that exist; none where all subjects carry one message. */
  readonly verbs: readonly string[]
  /** What a publisher sends to. */
  to(ids: Ids): string
  /** What a subscriber asks for. An id left out becomes `*`. */
  on(ids: Partial<Ids>): string
  /** The ids of a subject; undefined when it is not of this route or an id is no token. */
  parse(subject: string): Ids | undefined
}

/** Subjects of one route whose ids are remembered; then it begins anew. */
const KNOWN_MAX = 10_000

/** `body`: the one message of the route, or the message of each verb. */
export function route<const P extends string, Body extends MessageName>(
  template: P,
  body: Body | Readonly<Record<string, Body>>,
): Route<IdsOf<P>, Body> {
  const parts = template
    .split('.')
    .map((part) => (part.startsWith('{') ? { id: part.slice(1, -1) } : { text: part }))
  const fill = (ids: Readonly<Record<string, string>>, orElse: string | undefined): string => {
    let subject = ''
    for (const { text, id } of parts) {
      const given = id === undefined ? text : ids[id]
      const value = given ?? orElse ?? assert.fail(`${template} needs ${id}`)
      if (id !== undefined && given !== undefined && !isToken(given))
        assert.fail(`${given} in ${template} is no token`)
      subject += subject === '' ? value : `.${value}`
    }
    return subject
  }
  const idsOf = (subject: string): IdsOf<P> | undefined => {
    const tokens = subject.split('.')
    if (tokens.length !== parts.length) return undefined
    const ids: Record<string, string> = {}
    for (const [i, part] of parts.entries()) {
      const given = tokens[i] as string
      if (part.text !== undefined ? part.text !== given : !isToken(given)) return undefined
      if (part.id !== undefined) ids[part.id] = given
    }
    return Object.freeze(ids) as unknown as IdsOf<P>
  }
  // The same subjects come again and again.
  const known = new Map<string, IdsOf<P>>()
  return {
    template,
    verbs: typeof body === 'string' ? [] : Object.keys(body),
    body(ids) {
      if (typeof body === 'string') return body
      const { verb } = ids as { verb?: string }
      return verb !== undefined && Object.hasOwn(body, verb) ? body[verb] : undefined
    },
    to: (ids) => fill(ids as Readonly<Record<string, string>>, undefined),
    on: (ids) => fill(ids as Readonly<Record<string, string>>, '*'),
    parse(subject) {
      const before = known.get(subject)
      if (before !== undefined) return before
      const ids = idsOf(subject)
      // What is no token may be long: nobody can have it remembered.
      if (ids === undefined) return undefined
      if (known.size >= KNOWN_MAX) known.clear()
      known.set(subject, ids)
      return ids
    },
  }
}

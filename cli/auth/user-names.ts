/** Users as people write them: `agent a1`, `framework alice`, `framework alice word-count`. */
import {
  type AgentId,
  type FrameworkId,
  type MasterId,
  type Principal,
  parseId,
} from '../../protocol/ids.ts'
import type { User, UserKind } from '../../protocol/permissions.ts'
import { wrongUse } from '../exit-code.ts'

export const USER_KINDS = [
  'agent',
  'framework',
  'operator',
  'observer',
  'master',
  'allocator',
] as const satisfies readonly UserKind[]

/** @throws {ClusterError} `cli/usage`: the words name no user. */
export function parseUser([kind = '', first = '', second, ...more]: readonly string[]): User {
  if (!USER_KINDS.some((known) => known === kind))
    throw wrongUse(`"${kind}" is none of ${USER_KINDS.join(', ')}`)
  if (more.length > 0 || (second !== undefined && kind !== 'framework'))
    throw wrongUse(`${kind} ${first} is followed by "${more[0] ?? second}", which means nothing`)
  switch (kind as UserKind) {
    case 'agent':
      return { kind: 'agent', agentId: token<AgentId>('agent id', first) }
    case 'framework': {
      const principal = token<Principal>('principal', first)
      if (second === undefined) return { kind: 'framework', principal }
      const frameworkId = token<FrameworkId>('framework id', second)
      return { kind: 'framework', principal, frameworkId }
    }
    case 'operator':
      return { kind: 'operator', principal: token<Principal>('principal', first) }
    case 'observer':
      return { kind: 'observer', name: token('name', first) }
    case 'master':
      return { kind: 'master', masterId: token<MasterId>('master id', first) }
    case 'allocator':
      return { kind: 'allocator', name: token('name', first) }
  }
}

/** Names are tokens, as ids are. */
function token<I extends string>(what: string, text: string): I {
  const parsed = parseId<Principal>(what, text)
  if (typeof parsed === 'string') return parsed as string as I
  throw wrongUse(parsed.message)
}

/** The kind and the ids: `parseUser` reads it back. */
export function wordsOf(user: User): readonly string[] {
  switch (user.kind) {
    case 'agent':
      return [user.kind, user.agentId]
    case 'framework':
      return user.frameworkId === undefined
        ? [user.kind, user.principal]
        : [user.kind, user.principal, user.frameworkId]
    case 'operator':
      return [user.kind, user.principal]
    case 'observer':
    case 'allocator':
      return [user.kind, user.name]
    case 'master':
      return [user.kind, user.masterId]
  }
}

export const labelOf = (user: User): string => wordsOf(user).join(' ')

/** The name of its files, and of the user where there is a password. No id holds a dot. */
export function stemOf(user: User): string {
  const [kind, ...ids] = wordsOf(user)
  return `${kind}-${ids.join('.')}`
}

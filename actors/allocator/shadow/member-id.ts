/** Who a member is, apart from what it wants. */
import { type FrameworkId, frameworkKey, type Principal } from '../../../protocol/ids.ts'

export interface MemberId {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly role: string
}

/** No id holds a dot: no two members have one key. */
export function memberIdOf({ principal, frameworkId, role }: MemberId): {
  readonly key: string
  readonly member: MemberId
} {
  const key = `${frameworkKey({ principal, frameworkId })}.${role}`
  return { key, member: { principal, frameworkId, role } }
}

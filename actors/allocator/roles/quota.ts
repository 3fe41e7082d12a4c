/**
 * What roles are guaranteed and limited to. Guarantees are kept in two ways: agents are given to
 * roles that lack something of theirs before others, and what is lacking is not given to others.
 */
import type { Quantity } from '../../../protocol/resources.ts'
import { toThousandths } from '../../../protocol/scalar.ts'
import type { Quantities } from '../../../protocol/schema/common.ts'
import type { RoleNode } from '../books/entities.ts'
import {
  type Holding,
  holdingOf,
  isSpecial,
  NOTHING,
  type ResourceNames,
  type Scalars,
  scalarsOfQuantities,
} from '../books/scalars.ts'

/** What is kept for guarantees, of all that is free. */
export interface Headroom {
  /** Unreserved, of all agents: neither held, nor offered, nor pending. */
  readonly free: Scalars
  /** What is lacking of all guarantees together. */
  readonly required: Scalars
  /** How many roles lack something. */
  unmetRoles: number
  /**
   * The least that was left over of each resource when an agent was closed for want of headroom;
   * nothing: none was.
   */
  readonly shortOf: Scalars
}

export const newHeadroom = (): Headroom => ({
  free: [],
  required: [],
  unmetRoles: 0,
  shortOf: [],
})

/** Sets a role's quota; with nothing guaranteed and no limit it has none. */
export function setQuota(
  { names, headroom }: { readonly names: ResourceNames; readonly headroom: Headroom },
  node: RoleNode,
  { guarantee, limit }: { readonly guarantee: Quantities; readonly limit: Quantities },
): void {
  if (node.quota !== undefined) {
    // Where nothing is guaranteed nothing lacks.
    node.quota = { ...node.quota, guarantee: [] }
    recount(headroom, node)
  }
  const isNone = Object.keys(guarantee).length + Object.keys(limit).length === 0
  node.quota = isNone
    ? undefined
    : {
        guarantee: scalarsOfQuantities(names, guarantee),
        limit: limitsOf(names, limit),
        unmet: [],
        isMet: true,
      }
  recount(headroom, node)
}

function limitsOf(names: ResourceNames, quantities: Quantities): Scalars {
  const limit: Scalars = []
  for (const [name, decimal] of Object.entries(quantities)) {
    const number = names.numberOf(name)
    while (limit.length <= number) limit.push(Number.POSITIVE_INFINITY)
    limit[number] = toThousandths(decimal)
  }
  return limit
}

/** After a change of what a role at the top has consumed: what lacks, of it and of all. */
export function recount(headroom: Headroom, { quota, consumed }: RoleNode): void {
  if (quota === undefined) return
  const { guarantee, unmet } = quota
  const { required } = headroom
  const length = Math.max(guarantee.length, unmet.length)
  while (required.length < length) required.push(0)
  let isMet = true
  for (let i = 0; i < length; i++) {
    const lacking = Math.max(0, (guarantee[i] ?? 0) - (consumed[i] ?? 0))
    required[i] = (required[i] as number) + lacking - (unmet[i] ?? 0)
    unmet[i] = lacking
    if (lacking > 0) isMet = false
  }
  if (isMet !== quota.isMet) headroom.unmetRoles += isMet ? -1 : 1
  quota.isMet = isMet
}

/**
 * `guarantee`: to roles that lack something of what they are guaranteed, no more than that.
 * `fair`: to all, up to their limits, but nothing that others lack.
 */
export type Stage = 'guarantee' | 'fair'

/** What a role may have of one agent, and what is in its way to more. */
export interface Bound {
  readonly top: RoleNode
  readonly headroom: Headroom
  readonly names: ResourceNames
  readonly stage: Stage
}

/** How much more of its limit a role may use. */
export function limitRoom({ quota, consumed }: RoleNode, number: number): number {
  const limit = quota?.limit[number] ?? Number.POSITIVE_INFINITY
  return limit - (consumed[number] ?? 0)
}

/** How much of all that is free is not kept for guarantees. */
export function surplus({ free, required, unmetRoles }: Headroom, number: number): number {
  const kept = unmetRoles === 0 ? 0 : (required[number] ?? 0)
  return kept === 0 ? Number.POSITIVE_INFINITY : (free[number] ?? 0) - kept
}

/** Takes note that an agent is closed for want of headroom. */
export function noteShortage(headroom: Headroom): void {
  const { required, shortOf } = headroom
  for (let i = 0; i < required.length; i++) {
    shortOf[i] = Math.min(shortOf[i] ?? Number.POSITIVE_INFINITY, surplus(headroom, i))
  }
}

/** True if there is more of something than when agents were closed, and enough to be of use. */
export function hasMoreHeadroom(headroom: Headroom, essentials: Readonly<Scalars>): boolean {
  if (isOutOfHeadroom(headroom, essentials)) return false
  return headroom.shortOf.some((least, number) => surplus(headroom, number) > least)
}

/** True if so little is not kept for guarantees that it is of no use. */
export function isOutOfHeadroom(headroom: Headroom, essentials: Readonly<Scalars>): boolean {
  return essentials.some((least, number) => surplus(headroom, number) < least)
}

/** True if a role may have so little more that it is of no use. */
export function isAtLimit(top: RoleNode, essentials: Readonly<Scalars>): boolean {
  return essentials.some((least, number) => limitRoom(top, number) < least)
}

function roomFor({ top, headroom, stage }: Bound, number: number): number {
  const limit = limitRoom(top, number)
  const isGuaranteed = stage === 'guarantee' && (top.quota?.guarantee[number] ?? 0) > 0
  const room = isGuaranteed ? (top.quota?.unmet[number] ?? 0) : surplus(headroom, number)
  return Math.max(0, Math.min(limit, room))
}

/** As much of `available` as there is room for, and all that is no unreserved scalar. */
export function boundedBy(bound: Bound, available: Holding): Holding {
  const { unreserved, resources } = available
  if (isRoomFor(bound, unreserved)) return available
  const room = unreserved.map((_, number) => roomFor(bound, number))
  const some = new Map<string, Quantity>()
  for (const [key, quantity] of resources) {
    const part = partOf(quantity, room, bound.names)
    if (part !== undefined) some.set(key, part)
  }
  return some.size === 0 ? NOTHING : holdingOf(bound.names, some)
}

function isRoomFor(bound: Bound, unreserved: Readonly<Scalars>): boolean {
  for (let i = 0; i < unreserved.length; i++) {
    if ((unreserved[i] as number) > roomFor(bound, i)) return false
  }
  return true
}

/** As much of one entry as there is room for, which it takes. Undefined: nothing of it. */
function partOf(quantity: Quantity, room: Scalars, names: ResourceNames): Quantity | undefined {
  const { traits, amount } = quantity
  if (amount.kind !== 'scalar' || isSpecial(traits)) return quantity
  const number = names.numberOf(traits.name)
  const left = room[number] as number
  // A mounted disk cannot be cut.
  const isWhole = traits.disk?.source?.type === 'mount'
  // Half a GPU is of no use: a launch takes whole ones.
  const usable = traits.name === 'gpus' ? left - (left % 1000) : left
  const thousandths = Math.min(amount.thousandths, usable)
  if (thousandths === 0 || (isWhole && thousandths < amount.thousandths)) return undefined
  room[number] = left - thousandths
  if (thousandths === amount.thousandths) return quantity
  return { traits, amount: { kind: 'scalar', thousandths } }
}

/** True if the role comes nearer to what it is guaranteed. */
export function isProgress({ quota }: RoleNode, { unreserved }: Holding): boolean {
  if (quota === undefined) return false
  return quota.unmet.some((lacking, i) => lacking > 0 && (unreserved[i] ?? 0) > 0)
}

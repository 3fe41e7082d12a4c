/**
 * Roles as a tree, and in it who is asked before whom. Siblings compete by what all below them
 * hold; what changes at a member is carried up to the top at once.
 */

import type { MemberBook, RoleNode } from '../books/entities.ts'
import { addScalars, type Holding, type Scalars, takeScalars } from '../books/scalars.ts'
import type { Policy } from '../policy.ts'
import { dominantShare } from './dominant-share.ts'
import { isIn, parentOf } from './lines.ts'
import { compareSiblings, placeIn, settle } from './siblings.ts'

/** No part of a role's path is called so. */
const LEAF = '.'

export interface RoleTree {
  readonly policy: Policy
  readonly root: RoleNode
  /** By path; without leaves. */
  readonly roles: Map<string, RoleNode>
  /** Of the cluster: shares are parts of it. */
  readonly total: Scalars
  /** `total` has changed: no share holds, and so no order. */
  isStale: boolean
}

export function newTree(policy: Policy): RoleTree {
  const root = newNode({ parent: undefined, role: '', name: '' })
  return { policy, root, roles: new Map(), total: [], isStale: false }
}

function newNode(of: {
  readonly parent: RoleNode | undefined
  readonly role: string
  readonly name: string
}): RoleNode {
  const { parent, role, name } = of
  const node: Omit<RoleNode, 'top'> & { top: RoleNode | undefined } = {
    kind: 'role',
    role,
    name,
    isLeaf: name === LEAF,
    depth: parent === undefined ? 0 : parent.depth + 1,
    parent,
    top: undefined,
    children: new Map(),
    members: new Set(),
    early: [],
    late: [],
    weight: 1,
    share: 0,
    given: 0,
    rank: 0,
    held: [],
    consumed: [],
    contented: 0,
    quota: undefined,
    isAtLimit: false,
    outSince: undefined,
    newsSince: 0,
    outAgain: undefined,
  }
  node.top = parent === undefined || parent.depth === 0 ? (node as RoleNode) : parent.top
  return node as RoleNode
}

/** The role, with all above it. */
export function roleOf(tree: RoleTree, role: string): RoleNode {
  const known = tree.roles.get(role)
  if (known !== undefined) return known
  const cut = role.lastIndexOf('/')
  const parent = cut < 0 ? tree.root : roleOf(tree, role.slice(0, cut))
  const node = addChild(tree, { parent, role, name: role.slice(cut + 1) })
  tree.roles.set(role, node)
  return node
}

/** Where the members of a role are. */
export function leafOf(tree: RoleTree, role: string): RoleNode {
  const parent = roleOf(tree, role)
  return parent.children.get(LEAF) ?? addChild(tree, { parent, role, name: LEAF })
}

function addChild(
  { policy }: RoleTree,
  of: { readonly parent: RoleNode; readonly role: string; readonly name: string },
): RoleNode {
  const node = newNode(of)
  node.rank = policy.rankRole(node)
  of.parent.children.set(node.name, node)
  return node
}

/** Forgets a role and those above it as far as there is nothing to them. */
export function pruneFrom({ roles }: RoleTree, from: RoleNode): void {
  let node = from
  while (node.parent !== undefined) {
    const { parent } = node
    const isWanted = node.children.size + node.members.size > 0
    if (isWanted || node.weight !== 1 || node.quota !== undefined) return
    parent.children.delete(node.name)
    if (!node.isLeaf) roles.delete(node.role)
    node = parent
  }
}

/** Sets how much a role counts among its siblings. */
export function setWeight(tree: RoleTree, node: RoleNode, weight: number): void {
  node.weight = weight
  reorder(tree, node, node.given)
}

export interface Change {
  readonly added: Holding
  readonly removed: Holding
  /** Allocations more, or less. */
  readonly given: number
}

/** A member holds more, or less: so do all above it. */
export function hold(tree: RoleTree, member: MemberBook, change: Change): void {
  const { added, removed, given } = change
  let one: MemberBook | RoleNode = member
  for (;;) {
    addScalars(one.held, added.scalars)
    takeScalars(one.held, removed.scalars)
    one.share = dominantShare(one.held, tree.total)
    reorder(tree, one, one.given + given)
    const parent: RoleNode | undefined = one.kind === 'member' ? one.leaf : one.parent
    if (parent?.parent === undefined) break
    one = parent
  }
  const { consumed } = member.leaf.top
  addScalars(consumed, added.unreserved)
  takeScalars(consumed, removed.unreserved)
}

/** Puts one to its place after a change of what its rank rests on. */
function reorder(tree: RoleTree, one: MemberBook | RoleNode, given: number): void {
  const parent = parentOf(one)
  // Found by the old rank, put by the new one.
  const early = isIn(one, 'early') ? placeIn(parent.early, one) : undefined
  const late = isIn(one, 'late') ? placeIn(parent.late, one) : undefined
  one.given = given
  one.rank = rankOf(tree.policy, one)
  if (early !== undefined) settle(parent.early, early)
  if (late !== undefined) settle(parent.late, late)
}

const rankOf = (policy: Policy, one: MemberBook | RoleNode): number =>
  one.kind === 'member' ? policy.rankMember(one) : policy.rankRole(one)

/** Makes shares and order hold again after a change of the cluster's total. */
export function refresh(tree: RoleTree): void {
  if (!tree.isStale) return
  tree.isStale = false
  refreshBelow(tree, tree.root)
}

function refreshBelow(tree: RoleTree, node: RoleNode): void {
  for (const child of node.children.values()) {
    refreshOne(tree, child)
    refreshBelow(tree, child)
  }
  for (const member of node.members) refreshOne(tree, member)
  // Mostly in order already, for which a sort is linear.
  node.early.sort(compareSiblings)
  node.late.sort(compareSiblings)
}

function refreshOne({ policy, total }: RoleTree, one: MemberBook | RoleNode): void {
  one.share = dominantShare(one.held, total)
  one.rank = rankOf(policy, one)
}

/** From 1: how many siblings, asked or not, come before a role, itself included. */
export function placeAmongSiblings(node: RoleNode): number {
  let place = 1
  for (const sibling of (node.parent as RoleNode).children.values()) {
    if (compareSiblings(sibling, node) < 0) place += 1
  }
  return place
}

/** Less than 0: `a`, or all of it, is asked before `b`. 0 if one of them is above the other. */
export function compareInTree(a: MemberBook | RoleNode, b: MemberBook | RoleNode): number {
  const [left, right] = siblingsAbove(a, b)
  return left === right ? 0 : compareSiblings(left, right)
}

/** Neither is asked before the other but by what they were given ever, or by name. */
export function areAlike(a: MemberBook, b: MemberBook): boolean {
  const [left, right] = siblingsAbove(a, b)
  return left.rank === right.rank
}

/** Where the ways from the root to `a` and to `b` part; the same if one is above the other. */
function siblingsAbove(
  a: MemberBook | RoleNode,
  b: MemberBook | RoleNode,
): readonly [MemberBook | RoleNode, MemberBook | RoleNode] {
  let [left, right] = [a, b]
  while (depthOf(left) > depthOf(right)) left = parentOf(left)
  while (depthOf(right) > depthOf(left)) right = parentOf(right)
  if (left === right) return [left, right]
  while (parentOf(left) !== parentOf(right)) {
    left = parentOf(left)
    right = parentOf(right)
  }
  return [left, right]
}

const depthOf = (one: MemberBook | RoleNode): number =>
  one.kind === 'member' ? one.leaf.depth + 1 : one.depth

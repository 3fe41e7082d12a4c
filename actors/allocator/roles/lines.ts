/** Who in the tree of roles is to be asked: lines of siblings, at each node two. */
import type { Line, MemberBook, RoleNode } from '../books/entities.ts'
import { enter, leave } from './siblings.ts'

export const parentOf = (one: MemberBook | RoleNode): RoleNode =>
  one.kind === 'member' ? one.leaf : (one.parent as RoleNode)

export const isIn = (one: MemberBook | RoleNode, line: Line): boolean =>
  one.kind === 'member' ? one.line === line : !one.isAtLimit && one[line].length > 0

/** Puts a member where it is to be found, or takes it out: then it is not asked. */
export function setLine(member: MemberBook, line: Line | undefined): void {
  if (member.line === line) return
  if (member.line !== undefined) leaveLine(member, member.line)
  member.line = line
  if (line !== undefined) enterLine(member, line)
}

function enterLine(member: MemberBook, line: Line): void {
  let one: MemberBook | RoleNode = member
  for (;;) {
    if (one.kind === 'role' && one.isAtLimit) return
    const parent = parentOf(one)
    enter(parent[line], one)
    // Others are there already, so it is in the lines above.
    if (parent[line].length > 1 || parent.parent === undefined) return
    one = parent
  }
}

function leaveLine(member: MemberBook, line: Line): void {
  let one: MemberBook | RoleNode = member
  for (;;) {
    if (one.kind === 'role' && one.isAtLimit) return
    const parent = parentOf(one)
    leave(parent[line], one)
    if (parent[line].length > 0 || parent.parent === undefined) return
    one = parent
  }
}

/** Takes a role at the top out of the order, or puts it back. */
export function setAtLimit(top: RoleNode, isAtLimit: boolean): void {
  const root = top.parent as RoleNode
  for (const line of ['early', 'late'] as const) {
    if (top[line].length === 0) continue
    if (isAtLimit) leave(root[line], top)
    else enter(root[line], top)
  }
  top.isAtLimit = isAtLimit
}

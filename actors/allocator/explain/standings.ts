/** How a role stands, and those above it. */
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { Quantities } from '../../../protocol/schema/common.ts'
import type { RoleStanding } from '../../../protocol/schema/explain.ts'
import type { RoleNode } from '../books/entities.ts'
import type { Scalars } from '../books/scalars.ts'
import { placeAmongSiblings } from '../roles/tree.ts'
import type { Books } from '../state.ts'

/** From the top of the tree; none if there is no such role. */
export function standingsOf({ tree, names }: Books, role: string): readonly RoleStanding[] {
  const standings: RoleStanding[] = []
  for (let node = tree.roles.get(role); node?.parent !== undefined; node = node.parent) {
    standings.unshift(standingOf(node, names.names))
  }
  return standings
}

function standingOf(node: RoleNode, names: readonly string[]): RoleStanding {
  const { role, share, weight, quota, consumed } = node
  const isNamed = (i: number): boolean =>
    (quota?.guarantee[i] ?? 0) > 0 || Number.isFinite(quota?.limit[i] ?? Number.POSITIVE_INFINITY)
  return {
    role,
    share,
    weight,
    place: placeAmongSiblings(node),
    siblings: node.parent?.children.size ?? 1,
    guarantee: quantitiesOf(quota?.guarantee ?? [], names, (i) => (quota?.guarantee[i] ?? 0) > 0),
    limit: quantitiesOf(quota?.limit ?? [], names, (i) => Number.isFinite(quota?.limit[i])),
    consumed: quantitiesOf(consumed, names, isNamed),
  }
}

function quantitiesOf(
  scalars: Readonly<Scalars>,
  names: readonly string[],
  isShown: (number: number) => boolean,
): Quantities {
  return Object.fromEntries(
    scalars.flatMap((thousandths, i) =>
      isShown(i) ? [[names[i] as string, fromThousandths(thousandths)]] : [],
    ),
  )
}

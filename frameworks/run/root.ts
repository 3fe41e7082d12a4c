/** Instances in a root filesystem of their own: what people ask for, and who can run them. */
import { CONTAINERIZERS, listWith } from '../../protocol/agent-attributes.ts'
import { problemOfContainer } from '../../protocol/container-problem.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { OciContainer } from '../../protocol/schema/task-container.ts'
import type { Constraint } from './constraints.ts'
import { type HealthWish, healthCheckOf } from './health-check.ts'

export type RootWish = Pick<OciContainer, 'root' | 'network' | 'volumes'>

export const rootContainerOf = (wish: RootWish): OciContainer => ({ kind: 'oci', ...wish })

/** Only agents with an OCI runtime will do. */
export const RUNS_ROOTS: Constraint = {
  text: 'root filesystems (containerizers=oci)',
  name: CONTAINERIZERS,
  told: { attribute: CONTAINERIZERS, matches: listWith('oci') },
  kind: 'value',
  passes: (values) => values.some((value) => value.split(',').includes('oci')),
}

/** What the leader would say of it. */
export function problemOfRoot(wish: RootWish, health: HealthWish | undefined): Refusal | undefined {
  const container = rootContainerOf(wish)
  const healthCheck = health && healthCheckOf(health, 1)
  const command = { shell: 'any' }
  const problem = problemOfContainer(
    { container, command, ...(healthCheck && { healthCheck }) },
    [],
  )
  return problem === undefined ? undefined : refusal('invalid', problem)
}

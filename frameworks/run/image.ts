/** Instances in an image: what people ask for, and what a task of it is on its agent. */
import { CONTAINERIZERS, listWith } from '../../protocol/agent-attributes.ts'
import { problemOfContainer } from '../../protocol/container-problem.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { DockerContainer } from '../../protocol/schema/task-container.ts'
import type { Constraint } from './constraints.ts'
import { type HealthWish, healthCheckOf } from './health-check.ts'

/** `publish`: ports inside, each of which gets one of the instance's ports, the first the first. */
export type ImageWish = Pick<DockerContainer, 'image' | 'entryPoint' | 'network' | 'volumes'> & {
  readonly publish?: readonly {
    readonly containerPort: number
    /** Default `tcp`. */
    readonly protocol?: 'tcp' | 'udp'
  }[]
}

/** Without any, a port is nothing to be mapped. */
export const publishedOf = ({ publish = [] }: ImageWish): number => publish.length

/** `ports`: those that the instance was given, at least as many as it publishes. */
export function containerOf(wish: ImageWish, ports: readonly number[]): DockerContainer {
  const { publish = [], network = publish.length > 0 ? 'bridge' : 'host', ...rest } = wish
  const portMappings = publish.map((port, i) => ({ hostPort: ports[i] ?? 0, ...port }))
  return { kind: 'docker', network, ...rest, ...(portMappings.length > 0 && { portMappings }) }
}

/** Only agents that have a container service will do. */
export const RUNS_IMAGES: Constraint = {
  text: 'images (containerizers=docker)',
  name: CONTAINERIZERS,
  told: { attribute: CONTAINERIZERS, matches: listWith('docker') },
  kind: 'value',
  passes: (values) => values.some((value) => value.split(',').includes('docker')),
}

/** What the leader would say of it. */
export function problemOfImage(
  wish: ImageWish,
  health: HealthWish | undefined,
): Refusal | undefined {
  const ports = Array.from({ length: publishedOf(wish) }, (_, i) => i + 1)
  const container = containerOf(wish, ports)
  const problem = problemOfContainer(
    {
      container,
      command: {},
      ...(health && { healthCheck: healthCheckOf(health, ports[0] ?? 1) }),
    },
    [[1, Math.max(1, ports.length)]],
  )
  return problem === undefined ? undefined : refusal('invalid', problem)
}

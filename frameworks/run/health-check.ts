/** How each instance is checked: on the first of its ports, which differs by where it is. */
import type { TaskWish } from '../../actors/scheduler/scheduler.ts'

type HealthCheck = NonNullable<TaskWish['healthCheck']>

/** What people ask for. `command` is given to `/bin/sh -c`; `path` begins with `/`. */
export type HealthWish = Omit<HealthCheck, 'command' | 'http' | 'tcp'> & {
  readonly ask:
    | { readonly kind: 'command'; readonly command: string }
    | { readonly kind: 'http'; readonly path: string }
    | { readonly kind: 'tcp' }
}

export const needsPort = ({ ask }: HealthWish): boolean => ask.kind !== 'command'

/** `port`: the first that the instance was given. */
export function healthCheckOf({ ask, ...times }: HealthWish, port: number): HealthCheck {
  if (ask.kind === 'command') return { ...times, command: { shell: ask.command } }
  return ask.kind === 'tcp'
    ? { ...times, tcp: { port } }
    : { ...times, http: { port, path: ask.path } }
}

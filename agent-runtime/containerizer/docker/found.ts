/** What a container service says a container is. */
import type { Answer } from './api.ts'

export type Found =
  | { readonly kind: 'gone' }
  /** Made, not started since: also what Podman says of all after a restart of the machine. */
  | { readonly kind: 'made' }
  | ({ readonly kind: 'running' } & Told)
  | ({ readonly kind: 'exited'; readonly code: number } & Told)

/** What else an inspection tells. */
export interface Told {
  /** The service's own, 64 hexadecimal digits: its cgroups are called by it. */
  readonly id: string
  /** Of its first process, on the machine; 0: none. */
  readonly pid: number
  /** 0: none. */
  readonly memBytes: number
  readonly isOutOfMemory: boolean
  readonly network: FoundNetwork
}

export interface FoundNetwork {
  /** `host`, `none`, or what its bridge is called. */
  readonly mode: string
  /** In its bridge; empty: it has none. */
  readonly address: string
  /** Ports of the machine that lead into it by TCP. */
  readonly hostPorts: readonly number[]
}

export const isDone = ({ status }: Answer): boolean => status >= 200 && status < 400

interface Inspected {
  readonly Id?: string
  readonly State?: {
    readonly Status?: string
    readonly ExitCode?: number
    readonly Pid?: number
    readonly OOMKilled?: boolean
  }
  readonly HostConfig?: {
    readonly Memory?: number
    readonly NetworkMode?: string
    readonly PortBindings?: Readonly<
      Record<string, readonly { readonly HostPort?: string }[] | null>
    > | null
  }
  readonly NetworkSettings?: {
    readonly IPAddress?: string
    readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string }>> | null
  }
}

/** Of the answer to an inspection; undefined: it says nothing. */
export function foundOf(answer: Answer): Found | undefined {
  if (answer.status === 404) return { kind: 'gone' }
  if (!isDone(answer)) return undefined
  const inspected = answer.body as Inspected
  const { State: state } = inspected
  switch (state?.Status) {
    case undefined:
    case 'removing':
      return undefined
    case 'created':
    case 'configured':
    case 'initialized':
      return { kind: 'made' }
    case 'exited':
    case 'stopped':
    case 'dead':
      return { kind: 'exited', code: state.ExitCode ?? 0, ...toldBy(inspected) }
    default:
      return { kind: 'running', ...toldBy(inspected) }
  }
}

function toldBy({ Id, State, HostConfig, NetworkSettings }: Inspected): Told {
  const { IPAddress = '', Networks } = NetworkSettings ?? {}
  const [network] = Object.values(Networks ?? {})
  const bindings = Object.entries(HostConfig?.PortBindings ?? {})
  return {
    id: Id ?? '',
    pid: State?.Pid ?? 0,
    memBytes: HostConfig?.Memory ?? 0,
    isOutOfMemory: State?.OOMKilled ?? false,
    network: {
      mode: HostConfig?.NetworkMode ?? '',
      address: IPAddress || (network?.IPAddress ?? ''),
      hostPorts: bindings
        .filter(([port]) => port.endsWith('/tcp'))
        .flatMap(([, hosts]) => (hosts ?? []).map(({ HostPort }) => Number(HostPort))),
    },
  }
}

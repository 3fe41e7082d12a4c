/** What a container service says a container is. */
import type { Answer } from './api.ts'
import { fieldsOf, listOf, numberOf, textOf } from './parse.ts'

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
  /** Of its first process, where the service is: see `isProcessOf`. 0: none. */
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

type Fields = ReturnType<typeof fieldsOf>

export const isDone = ({ status }: Answer): boolean => status >= 200 && status < 400

/** Of the answer to an inspection; undefined: it says nothing. */
export function foundOf(answer: Answer): Found | undefined {
  if (answer.status === 404) return { kind: 'gone' }
  if (!isDone(answer)) return undefined
  const inspected = fieldsOf(answer.body)
  const { Status, ExitCode } = fieldsOf(inspected['State'])
  switch (textOf(Status)) {
    case '':
    case 'removing':
      return undefined
    case 'created':
    case 'configured':
    case 'initialized':
      return { kind: 'made' }
    case 'exited':
    case 'stopped':
    case 'dead':
      return { kind: 'exited', code: numberOf(ExitCode) ?? 0, ...toldBy(inspected) }
    default:
      return { kind: 'running', ...toldBy(inspected) }
  }
}

function toldBy({ Id, State, HostConfig, NetworkSettings }: Fields): Told {
  const { Pid, OOMKilled } = fieldsOf(State)
  const { Memory, NetworkMode, PortBindings } = fieldsOf(HostConfig)
  const { IPAddress, Networks } = fieldsOf(NetworkSettings)
  const [network] = Object.values(fieldsOf(Networks))
  return {
    id: textOf(Id),
    pid: numberOf(Pid) ?? 0,
    memBytes: Math.max(0, numberOf(Memory) ?? 0),
    isOutOfMemory: OOMKilled === true,
    network: {
      mode: textOf(NetworkMode),
      address: textOf(IPAddress) || textOf(fieldsOf(network)['IPAddress']),
      hostPorts: Object.entries(fieldsOf(PortBindings))
        .filter(([port]) => port.endsWith('/tcp'))
        .flatMap(([, hosts]) => listOf(hosts).map((host) => Number(fieldsOf(host)['HostPort']))),
    },
  }
}

/** One of a list of containers. */
export interface Listed {
  readonly name: string
  readonly state: string
}

/** Of the answer to a question for all, those that have a name; undefined: it says nothing. */
export function listedOf(answer: Answer): readonly Listed[] | undefined {
  if (!isDone(answer) || !Array.isArray(answer.body)) return undefined
  return answer.body.map(fieldsOf).flatMap(({ Names, State }): Listed[] => {
    const [name] = listOf(Names)
    // With a slash before it.
    return textOf(name) === ''
      ? []
      : [{ name: textOf(name).replace('/', ''), state: textOf(State) }]
  })
}

/** What became of a command inside a container. */
export interface Execution {
  /** The service's own name of the container. */
  readonly containerId: string
  /** As `Told.pid`; 0: not yet, or not told. */
  readonly pid: number
  /** Absent: it runs, or is about to. */
  readonly exitCode: number | undefined
}

/** Of the answer to an inspection of a command; undefined: it says nothing. */
export function executionOf(answer: Answer): Execution | undefined {
  const { Running, ExitCode, Pid, ContainerID } = fieldsOf(answer.body)
  if (!isDone(answer) || typeof Running !== 'boolean') return undefined
  return {
    containerId: textOf(ContainerID),
    pid: numberOf(Pid) ?? 0,
    exitCode: Running ? undefined : numberOf(ExitCode),
  }
}

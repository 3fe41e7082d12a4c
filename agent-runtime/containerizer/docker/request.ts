/** What a task is to Docker's API. */
import { existsSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import {
  onlyForProcesses,
  problemOfContainer,
  SANDBOX_INSIDE,
} from '../../../protocol/container-problem.ts'
import type { AgentId } from '../../../protocol/ids.ts'
import type { DockerContainer } from '../../../protocol/schema/task-container.ts'
import { sharesOf } from '../../isolator/cpu.ts'
import { MEM_BYTES_MIN } from '../../isolator/memory.ts'
import type { ContainerSpec } from '../containerizer.ts'
import { givenTo, problemOf } from '../environment.ts'

/** By this an agent finds its own containers again. */
export const OWNER_LABEL = 'bourse.owner'

export interface Asking {
  readonly agentId: AgentId
  readonly owner: string
  /** On this machine. */
  readonly sandboxPath: string
  readonly logging: Logging
}

/** A log that keeps any bytes, all of them: it is read again from its start. */
export interface Logging {
  readonly Type: string
  readonly Config: Readonly<Record<string, string>>
}

/** By the heads of any of its answers. Docker's usual log keeps text only, its other forgets. */
export function loggingOf(headers: IncomingHttpHeaders = {}): Logging {
  if (headers['libpod-api-version'] !== undefined) return { Type: 'k8s-file', Config: {} }
  return { Type: 'local', Config: { 'max-size': '1t', 'max-file': '1', compress: 'false' } }
}

/** A sentence that says why no container can be made of it. */
export function imageOf(spec: ContainerSpec): DockerContainer | string {
  const { container, command, ports, isImagesCommand } = spec
  if (container?.kind !== 'docker') return 'it names no image'
  if (spec.linux !== undefined || (spec.rlimits?.length ?? 0) > 0)
    return 'a task in an image cannot ask for rlimits, capabilities or namespaces: it has its own'
  const around = { gpus: spec.limits?.gpus ?? 0, isGrouped: spec.group !== undefined }
  const beyond = onlyForProcesses({ container }, around)
  if (beyond !== undefined) return beyond
  const asked = { container, command: isImagesCommand ? {} : command }
  const given = ports.map((port) => [port, port] as const)
  const problem = problemOf(spec) ?? problemOfContainer(asked, given)
  if (problem !== undefined) return problem
  // Podman would make it.
  const missing = container.volumes?.find(({ hostPath }) => !existsSync(hostPath))
  return missing ? `${missing.hostPath}, a volume, is not on this machine` : container
}

/** The body of the call that makes a container. */
export function creation(spec: ContainerSpec, container: DockerContainer, asking: Asking) {
  const { agentId, owner, sandboxPath, logging } = asking
  const { network = 'host', volumes = [], portMappings = [] } = container
  const environment = givenTo(spec, { agentId, sandboxPath: SANDBOX_INSIDE })
  const ports = portMappings.map(({ containerPort, hostPort, protocol = 'tcp' }) => {
    return [`${containerPort}/${protocol}`, [{ HostPort: String(hostPort) }]] as const
  })
  return {
    Image: container.image,
    ...commandOf(spec, container),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...(spec.user !== undefined && { User: spec.user }),
    Labels: {
      [OWNER_LABEL]: owner,
      'bourse.agent': agentId,
      'bourse.framework': spec.sandbox.frameworkId,
      'bourse.task': spec.sandbox.taskId,
    },
    ExposedPorts: Object.fromEntries(ports.map(([port]) => [port, {}])),
    HostConfig: {
      // Its first process would get no signal that it does not handle.
      Init: true,
      NetworkMode: network,
      PortBindings: Object.fromEntries(ports),
      ...mountsOf([
        { hostPath: sandboxPath, containerPath: SANDBOX_INSIDE, readOnly: false },
        ...volumes,
      ]),
      RestartPolicy: { Name: 'no' },
      LogConfig: logging,
      Ulimits: ownLimits(),
      ...limitsOf(spec),
    },
  }
}

type Volume = NonNullable<DockerContainer['volumes']>[number]

/**
 * The newer form refuses what is not there and may hold colons. Podman reads it as a line of
 * values with commas, though: what would end one there goes by the older form.
 */
function mountsOf(volumes: readonly Volume[]) {
  const isOld = ({ hostPath, containerPath }: Volume) => /[",\n]/.test(hostPath + containerPath)
  return {
    Mounts: volumes
      .filter((volume) => !isOld(volume))
      .map(({ hostPath, containerPath, readOnly = false }) => {
        return { Type: 'bind', Source: hostPath, Target: containerPath, ReadOnly: readOnly }
      }),
    Binds: volumes.filter(isOld).map(({ hostPath, containerPath, readOnly }) => {
      return `${hostPath}:${containerPath}:${readOnly ? 'ro' : 'rw'}`
    }),
  }
}

function commandOf({ command, isImagesCommand }: ContainerSpec, { entryPoint }: DockerContainer) {
  if (isImagesCommand) return entryPoint === undefined ? {} : { Entrypoint: entryPoint }
  if ('shell' in command) return { Entrypoint: ['/bin/sh', '-c'], Cmd: [command.shell] }
  return { Cmd: command.argv, ...(entryPoint !== undefined && { Entrypoint: entryPoint }) }
}

function limitsOf({ limits = {} }: ContainerSpec) {
  const { cpus, cpusMax, memBytes, pidsMax } = limits
  const memory = Math.max(MEM_BYTES_MIN, memBytes ?? 0)
  return {
    ...(cpus !== undefined && { CpuShares: sharesOf(cpus) }),
    ...(cpusMax !== undefined && { NanoCpus: Math.round(cpusMax * 1e9) }),
    ...(memBytes !== undefined && { Memory: memory, MemorySwap: memory }),
    ...(pidsMax !== undefined && { PidsLimit: pidsMax }),
  }
}

/**
 * What the agent may have itself: a service's own defaults can be more than it is allowed to give,
 * and then nothing starts at all. Podman may have no more processes than there are pids.
 */
function ownLimits() {
  const text = readFileSync('/proc/self/limits', 'utf8')
  const pidsMax = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'))
  return [
    limitIn(text, { name: 'nofile', shown: 'Max open files', max: Number.POSITIVE_INFINITY }),
    limitIn(text, { name: 'nproc', shown: 'Max processes', max: pidsMax }),
  ].filter((limit) => limit !== undefined)
}

interface OwnLimit {
  readonly name: string
  readonly shown: string
  readonly max: number
}

/** Undefined where there is none: so it is for the service. */
function limitIn(text: string, { name, shown, max }: OwnLimit) {
  const [, soft, hard] =
    new RegExp(`^${shown} +(\\d+|unlimited) +(\\d+|unlimited)`, 'm').exec(text) ?? []
  const value = (word = 'unlimited'): number =>
    Math.min(max, word === 'unlimited' ? max : Number(word))
  const [softValue, hardValue] = [value(soft), value(hard)]
  return Number.isFinite(hardValue) ? { Name: name, Soft: softValue, Hard: hardValue } : undefined
}

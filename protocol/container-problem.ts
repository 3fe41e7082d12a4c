/** What no schema says of a task's container. */
import type { Ranges } from './ranges.ts'
import type { TaskInfo } from './schema/common.ts'
import type { DockerContainer, OciContainer, TaskContainer } from './schema/task-container.ts'

interface Contained
  extends Pick<TaskInfo, 'container' | 'check' | 'healthCheck' | 'rlimits' | 'linux'> {
  readonly command: { readonly argv?: readonly string[]; readonly shell?: string }
}
type Volume = NonNullable<TaskContainer['volumes']>[number]

/** Where a task finds its sandbox in a file system of its own. */
export const SANDBOX_INSIDE = '/mnt/bourse/sandbox'

/** `HOST:PORT/PATH:TAG@DIGEST`, all but the path left out at will, or an id. */
const IMAGE_PATTERN =
  /^(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/

/** A sentence for the framework's author. `ports`: those that the task is given. */
export function problemOfContainer(task: Contained, ports: Ranges): string | undefined {
  const { container, command } = task
  const words = [command.argv, command.shell].filter((one) => one !== undefined).length
  // An image has a command of its own.
  const isOwn = words === 0 && container?.kind === 'docker'
  if (words !== 1 && !isOwn) return 'the command has not exactly one of argv and shell'
  if (container === undefined) return undefined
  if (task.rlimits !== undefined || task.linux !== undefined) {
    const others = container.kind === 'docker' ? 'images' : 'root filesystems'
    return `rlimits and linux (capabilities, namespaces, noNewPrivileges) are given to processes, not to ${others}`
  }
  return (
    (container.kind === 'docker' ? problemOfImage(container, ports) : problemOfRoot(container)) ??
    problemOfVolumes(container.volumes ?? []) ??
    problemOfNetwork(task, container)
  )
}

/** Of its task. */
interface Around {
  readonly gpus: number
  readonly isGrouped: boolean
}

/** A sentence: what only processes are given. Known before any of its group is started. */
export function onlyForProcesses(
  { container }: Pick<TaskInfo, 'container'>,
  { gpus, isGrouped }: Around,
): string | undefined {
  if (container === undefined) return undefined
  const where = container.kind === 'docker' ? 'an image' : 'a root of its own'
  if (isGrouped) return `no task of a group can run in ${where}`
  return gpus > 0 ? `no task in ${where} can be given GPUs` : undefined
}

function problemOfImage(
  { image, network = 'host', portMappings = [] }: DockerContainer,
  ports: Ranges,
): string | undefined {
  if (!IMAGE_PATTERN.test(image)) return `${shown(image)} is no name of an image`
  if (portMappings.length > 0 && network !== 'bridge') {
    return `ports are mapped in the network "bridge", not in "${network}"`
  }
  const seen = new Set<string>()
  for (const { hostPort, protocol = 'tcp' } of portMappings) {
    if (!ports.some(([begin, end]) => begin <= hostPort && hostPort <= end)) {
      return `port ${hostPort} is none of those that it was given`
    }
    const name = `${hostPort}/${protocol}`
    if (seen.has(name)) return `port ${name} is mapped twice`
    seen.add(name)
  }
  return undefined
}

function problemOfRoot({ root }: OciContainer): string | undefined {
  if (isPlainPath(root)) return undefined
  return `a root is an absolute path without "..", not ${shown(root)}`
}

function problemOfVolumes(volumes: readonly Volume[]): string | undefined {
  const seen = new Set<string>()
  for (const { hostPath, containerPath } of volumes) {
    const bad = [hostPath, containerPath].find((path) => !isPlainPath(path))
    if (bad !== undefined) return `a volume has an absolute path without "..", not ${shown(bad)}`
    if (containerPath === '/') return 'no volume can take the place of the root'
    if (`${containerPath}/`.startsWith(`${SANDBOX_INSIDE}/`)) {
      return `${SANDBOX_INSIDE} is the sandbox and no place for a volume`
    }
    if (seen.has(containerPath)) return `two volumes are to be at ${shown(containerPath)}`
    seen.add(containerPath)
  }
  return undefined
}

function problemOfNetwork(
  { check, healthCheck }: Contained,
  { network }: TaskContainer,
): string | undefined {
  const asks = [check, healthCheck].some((one) => (one?.http ?? one?.tcp) !== undefined)
  return network === 'none' && asks
    ? 'a task in the network "none" can be checked by a command only'
    : undefined
}

/** Absolute, and it leads nowhere but where it says. */
function isPlainPath(path: string): boolean {
  if (path === '/') return true
  const [first, ...names] = path.split('/')
  return first === '' && !path.includes('\0') && names.every((name) => !/^\.{0,2}$/.test(name))
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 80))

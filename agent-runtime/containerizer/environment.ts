/** What a task finds in its environment. */
import type { AgentId } from '../../protocol/ids.ts'
import type { ContainerSpec } from './containerizer.ts'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

interface EnvironmentParts {
  readonly agentId: AgentId
  /** As the task sees it. */
  readonly sandboxPath: string
  /** Of the folder that its group shares. */
  readonly groupPath?: string | undefined
  /** By what holds it. Absent: nothing. */
  readonly told?: Readonly<Record<string, string>>
}

/** Nothing of the agent's own environment gets in. */
export function environmentOf(
  spec: ContainerSpec,
  place: EnvironmentParts,
): Readonly<Record<string, string>> {
  return { PATH, HOME: place.sandboxPath, ...givenTo(spec, place) }
}

/** The same for a task in an image, which knows its own programs and home. */
export function givenTo(
  spec: ContainerSpec,
  { agentId, sandboxPath, groupPath, told }: EnvironmentParts,
): Readonly<Record<string, string>> {
  const ports = spec.ports.map((port, index) => [`PORT${index}`, String(port)] as const)
  return {
    ...Object.fromEntries(ports),
    ...(ports.length > 0 && { PORTS: spec.ports.join(',') }),
    ...spec.env,
    ...told,
    BOURSE_TASK_ID: spec.sandbox.taskId,
    BOURSE_FRAMEWORK_ID: spec.sandbox.frameworkId,
    BOURSE_AGENT_ID: agentId,
    BOURSE_SANDBOX: sandboxPath,
    ...(groupPath !== undefined && { BOURSE_GROUP_SANDBOX: groupPath }),
    ...(spec.role !== undefined && { BOURSE_ROLE: spec.role }),
  }
}

/** A sentence that says what no process can be given; undefined if all is well. */
export function problemOf(spec: ContainerSpec): string | undefined {
  const { command, env, isImagesCommand: isOwn = false } = spec
  const words = 'shell' in command ? [command.shell] : command.argv
  if ((words.length === 0 && !isOwn) || ('argv' in command && words[0] === ''))
    return 'the command is empty'
  const index = words.findIndex((word) => word.includes('\0'))
  if (index >= 0) return `word ${index} of the command holds a NUL byte`
  for (const [name, value] of Object.entries(env)) {
    const shown = JSON.stringify(name.slice(0, 80))
    if (name === '' || name.includes('=')) return `no environment variable can be named ${shown}`
    if (name.includes('\0') || value.includes('\0')) {
      return `environment variable ${shown} holds a NUL byte`
    }
  }
  if (spec.role?.includes('\0')) return 'the role holds a NUL byte'
  return undefined
}

/** What no schema says of a task: which of its fields go together. */
import type { TaskInfo } from './schema/common.ts'

type Checked = Pick<TaskInfo, 'check' | 'healthCheck'>
type Confined = Pick<TaskInfo, 'rlimits' | 'linux'>
type Probe = Pick<NonNullable<TaskInfo['check']>, 'command' | 'http' | 'tcp'>

/** A sentence for the framework's author; undefined: there is nothing wrong with it. */
export function problemOfTask(task: Checked & Confined): string | undefined {
  return problemOfChecks(task) ?? problemOfRlimits(task) ?? problemOfLists(task)
}

function problemOfRlimits({ rlimits = [] }: Confined): string | undefined {
  const seen = new Set<string>()
  for (const { type, soft, hard } of rlimits) {
    if (seen.has(type)) return `its rlimit ${type} stands twice`
    seen.add(type)
    if ((soft === undefined) !== (hard === undefined)) {
      return `its rlimit ${type} has only one of soft and hard; without both it is unlimited`
    }
    if (soft !== undefined && hard !== undefined && soft > hard) {
      return `its rlimit ${type} has a soft limit of ${soft}, more than the hard one of ${hard}`
    }
  }
  return undefined
}

function problemOfLists({ linux = {} }: Confined): string | undefined {
  const { capabilities = [], namespaces = [] } = linux
  const twice = [...capabilities, ...namespaces].find((one, i, all) => all.indexOf(one) !== i)
  return twice === undefined ? undefined : `${twice} stands twice in what it asks of linux`
}

/** A sentence for the framework's author; undefined: its checks are well-formed. */
export function problemOfChecks({ check, healthCheck }: Checked): string | undefined {
  return problemOfProbe('health check', healthCheck) ?? problemOfProbe('check', check)
}

function problemOfProbe(name: string, probe: Probe | undefined): string | undefined {
  if (probe === undefined) return undefined
  const { command, http, tcp } = probe
  if ([command, http, tcp].filter((one) => one !== undefined).length !== 1) {
    return `the ${name} has not exactly one of command, http and tcp`
  }
  if (command !== undefined && (command.argv === undefined) === (command.shell === undefined)) {
    return `the command of the ${name} has not exactly one of argv and shell`
  }
  return undefined
}

/** What no schema says of a task: fields of which exactly one stands. */
import type { TaskInfo } from './schema/common.ts'

type Checked = Pick<TaskInfo, 'check' | 'healthCheck'>
type Probe = Pick<NonNullable<TaskInfo['check']>, 'command' | 'http' | 'tcp'>

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

/** What the command's exit code says: scripts rely on it. */
import { ClusterError } from '../protocol/errors.ts'

export const EXIT = {
  done: 0,
  failed: 1,
  /** What was to run found no place. */
  unplaced: 2,
  usage: 64,
  noCluster: 69,
  bug: 70,
  leaseLost: 75,
  configuration: 78,
  /** As a shell reports a process that Ctrl-C ended. */
  interrupted: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** By the error's code; every other fault is 1. */
const CODES: Readonly<Record<string, ExitCode>> = {
  'cli/usage': EXIT.usage,
  'bus/no-cluster': EXIT.noCluster,
  'cli/no-leader': EXIT.noCluster,
  'cli/no-history': EXIT.noCluster,
  'scheduler/option': EXIT.usage,
  'run/wish': EXIT.usage,
  'run/unplaced': EXIT.unplaced,
  'scheduler/no-leader': EXIT.noCluster,
  'cli/configuration': EXIT.configuration,
  'bus/no-server': EXIT.noCluster,
  'bus/no-access': EXIT.noCluster,
  'bus/no-responders': EXIT.noCluster,
  'bus/call-timeout': EXIT.noCluster,
  'bus/disconnected': EXIT.noCluster,
  'bus/closed': EXIT.noCluster,
  'bus/nats-url': EXIT.configuration,
  'bus/nats-context': EXIT.configuration,
  'bus/store-settings': EXIT.configuration,
  'bus/store-in-use': EXIT.configuration,
  'bus/unfit-server': EXIT.configuration,
  'bus/no-folder': EXIT.configuration,
  'bus/no-nats-server': EXIT.configuration,
  'bus/credentials': EXIT.configuration,
  'bus/forbidden': EXIT.configuration,
  'allocator/policy': EXIT.configuration,
  'agent/bad-id': EXIT.configuration,
  'agent/unreadable-record': EXIT.configuration,
  'record-log/corrupt': EXIT.configuration,
  'agent/in-use': EXIT.configuration,
  'agent/other-id': EXIT.configuration,
  'containerizer/in-use': EXIT.configuration,
  'master/in-use': EXIT.configuration,
  'master/epoch-corrupt': EXIT.configuration,
  'master/copy-unreadable': EXIT.configuration,
}

export const exitCodeOf = ({ code }: ClusterError): ExitCode => CODES[code] ?? EXIT.failed

/** The command was written wrongly: the sentence says how. */
export const wrongUse = (message: string): ClusterError =>
  new ClusterError('cli/usage', 'never', message)

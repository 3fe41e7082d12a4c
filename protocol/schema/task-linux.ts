/** What a task's processes may do and see on their machine. */
import Type, { type Static } from 'typebox'
import { LINUX_CAPABILITIES, NAMESPACES, RLIMITS } from '../linux.ts'
import { integer, list, message, word } from './shapes.ts'

/** In bytes, seconds, microseconds or pieces, as setrlimit(2) has it. */
const RlimitValue = integer(0, Number.MAX_SAFE_INTEGER)

/** Both limits stand, `soft` not above `hard`, or none: then there is no limit. */
export type TaskRlimit = Static<typeof TaskRlimit>
export const TaskRlimit = message('Both of soft and hard stand, or none: unlimited.', {
  type: word(...RLIMITS),
  soft: Type.Optional(RlimitValue),
  hard: Type.Optional(RlimitValue),
})

export const TaskRlimits = list(TaskRlimit, RLIMITS.length)

/** Absent: as the agent's own processes. */
export type TaskLinux = Static<typeof TaskLinux>
export const TaskLinux = message('What its processes may do and see on their machine.', {
  /** All that it keeps, whoever it runs as; it never gets others. None: none. */
  capabilities: Type.Optional(list(word(...LINUX_CAPABILITIES), LINUX_CAPABILITIES.length)),
  /** No program gives it more rights than it has, whatever its file says. */
  noNewPrivileges: Type.Optional(Type.Boolean()),
  /**
   * What it has for itself: its processes; /tmp, /var/tmp, /dev/shm and System V IPC; or a network
   * with nothing but a loopback, which all of its group share.
   */
  namespaces: Type.Optional(list(word(...NAMESPACES), NAMESPACES.length)),
})

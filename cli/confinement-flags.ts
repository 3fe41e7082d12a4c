/** What a task may do and see, as it is written in flags. */
import {
  LINUX_CAPABILITIES,
  type LinuxCapability,
  NAMESPACES,
  type Namespace,
  RLIMITS,
} from '../protocol/linux.ts'
import type { TaskLinux, TaskRlimit } from '../protocol/schema/task-linux.ts'
import { WrongValue } from './arguments.ts'

export interface ConfinementFlags {
  readonly ulimit?: readonly TaskRlimit[]
  readonly capabilities?: readonly LinuxCapability[]
  /** False: it gets no new ones. */
  readonly newPrivileges?: boolean
  readonly private?: readonly Namespace[]
}

/** `nofile=1024`, `nofile=1024:4096`, `core=unlimited`. */
export function ulimit(text: string): TaskRlimit {
  const [name, softText = '', hardText = softText] = text.split(/[=:]/)
  const type = RLIMITS.find((one) => one === name)
  if (type === undefined) throw new WrongValue(`begins with none of ${RLIMITS.join(', ')}`)
  if (!/^[a-z]+=(?:unlimited|\d{1,15}(?::\d{1,15})?)$/.test(text))
    throw new WrongValue(`is not ${type}=SOFT, ${type}=SOFT:HARD or ${type}=unlimited`)
  if (softText === 'unlimited') return { type }
  const [soft, hard] = [Number(softText), Number(hardText)]
  if (soft > hard) throw new WrongValue('has a soft limit above the hard one')
  return { type, soft, hard }
}

/** Names with commas, in any case, with `CAP_` or without. */
export function capabilities(text: string): readonly LinuxCapability[] {
  if (text === 'none') return []
  return namesIn(text.toLowerCase().replaceAll(/\bcap_/g, ''), LINUX_CAPABILITIES)
}

export const privates = (text: string): readonly Namespace[] => namesIn(text, NAMESPACES)

function namesIn<const W extends string>(text: string, words: readonly W[]): readonly W[] {
  return text.split(',').map((name) => {
    const word = words.find((one) => one === name)
    if (word === undefined)
      throw new WrongValue(`has "${name}", which is none of ${words.join(', ')}`)
    return word
  })
}

export function confinementOf(flags: ConfinementFlags): {
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
} {
  const { ulimit: rlimits, capabilities: kept, newPrivileges, private: namespaces } = flags
  const linux: TaskLinux = {
    ...(kept !== undefined && { capabilities: [...kept] }),
    ...(newPrivileges === false && { noNewPrivileges: true }),
    ...(namespaces !== undefined && { namespaces: [...namespaces] }),
  }
  return {
    ...(rlimits !== undefined && { rlimits }),
    ...(Object.keys(linux).length > 0 && { linux }),
  }
}

/** All that is made for a container before its first process. */
import { strict as assert } from 'node:assert'
import { SANDBOX_INSIDE } from '../../protocol/container-problem.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { Asked } from '../isolator/isolator.ts'
import type { OpenIsolators, Prepared } from '../isolator/isolators.ts'
import { joinsOf, type KillScopes, makeHold } from '../isolator/kill/kill.ts'
import { enterWords, insideOf, killHoldOf } from '../isolator/namespaces/namespaces.ts'
import type { SandboxFolder } from '../sandbox/folder.ts'
import type { UserAnswer } from '../sandbox/user.ts'
import type { Container } from './container.ts'
import type { ContainerSpec } from './containerizer.ts'
import { environmentOf, problemOf } from './environment.ts'
import { renderLaunchFile } from './launch-file.ts'
import type { OciTask } from './oci/config.ts'
import { type Oci, type OciWords, ociLinux, ociProblem, ociWords } from './oci/oci.ts'
import type { FoundRoot } from './oci/roots.ts'
import type { RuntimeDirectory } from './runtime-directory.ts'

export interface Maker {
  readonly agentId: AgentId
  readonly runtime: RuntimeDirectory
  readonly sandboxes: SandboxFolder
  readonly killScopes: KillScopes
  readonly isolators: OpenIsolators
  /** Options that make env(1) undo what shells do to signals of background jobs. */
  readonly envOptions: readonly string[]
  readonly oci: Oci | undefined
}

export interface Making {
  readonly container: Container
  readonly spec: ContainerSpec
  readonly user: UserAnswer
  /** A network namespace to enter, as a path, or why there is none. Absent: none is shared. */
  readonly network: string | { readonly refused: string } | undefined
  /** Of the machine, to be shown as its root filesystem. Absent: the machine's own. */
  readonly root?: FoundRoot
}

/**
 * Makes what the launcher needs. @returns a sentence that says why it cannot be; undefined: done.
 * @throws what the kernel or the disk refuses.
 */
export function makeContainer(maker: Maker, making: Making): string | undefined {
  const { container, spec, user, network, root } = making
  const asked = askedBy(spec)
  const problem = refusalOf(maker, making, asked)
  if (problem !== undefined) return problem
  const runAs = typeof user === 'object' && !('refused' in user) ? user : undefined
  const { containerId, sandbox, command, limits, ports } = spec
  const { sandboxPath, groupPath } = maker.sandboxes.createFor(spec, runAs)
  const paths = { sandboxPath, groupPath, ...(typeof network === 'string' && { network }) }
  // Before anybody else may change what is in the sandbox.
  const prepared = maker.isolators.prepare({ containerId, ports, ...limits, ...asked, ...paths })
  maker.sandboxes.giveTo(sandboxPath, runAs)
  const { held, settings, environment: told } = prepared
  const namespaces = asked.linux?.namespaces ?? []
  const hold = killHoldOf(maker.killScopes.holdFor(containerId), namespaces)
  const { agentId } = maker
  const inside = root === undefined ? sandboxPath : SANDBOX_INSIDE
  const environment = environmentOf(spec, { agentId, sandboxPath: inside, groupPath, told })
  const instead = ociWordsOf(maker, making, { environment, sandboxPath })
  container.prepared(hold, held, insideOf(hold, namespaces))
  const text = renderLaunchFile({
    sandbox,
    hold,
    holds: held.holds,
    namespaces,
    output: maker.sandboxes.limitsOf(sandbox),
    ...(typeof root === 'string' && { root }),
    sandboxPath,
    joins: [...new Set([...joinsOf(hold), ...held.joins])],
    command,
    environment,
    enter: enterWords(hold, prepared),
    isolate: [...prepared.lines, ...(instead?.isolate ?? [])],
    prefix: wordsBefore(prepared, runAs?.prefix ?? []),
    envOptions: maker.envOptions,
    ...(instead && { instead }),
  })
  maker.runtime.writeLaunch(containerId, text)
  makeHold(hold)
  held.make(settings)
  return undefined
}

/** What a bundle's runtime does by itself is not asked for. */
function askedBy({ container, rlimits, linux }: ContainerSpec): Asked {
  if (container?.kind === 'oci') return { linux: ociLinux(container) }
  return { ...(rlimits && { rlimits }), ...(linux && { linux }) }
}

/** Why it cannot be, as far as can be said before anything is made. */
function refusalOf(
  { isolators }: Maker,
  { spec, user, network, root }: Making,
  asked: Asked,
): string | undefined {
  const problem = problemOf(spec) ?? (root === undefined ? undefined : ociProblem(spec, root))
  if (problem !== undefined) return problem
  if (typeof user === 'object' && 'refused' in user) return user.refused
  const lacking = isolators.problem({ ...spec.limits, ...asked })
  if (lacking !== undefined) return lacking
  return typeof network === 'object' ? network.refused : undefined
}

function ociWordsOf(
  { oci }: Maker,
  { spec: { container, command }, user, root }: Making,
  made: Pick<OciTask, 'environment' | 'sandboxPath'>,
): OciWords | undefined {
  if (container?.kind !== 'oci' || typeof root !== 'string') return undefined
  assert(oci !== undefined && typeof user === 'object' && 'uid' in user, 'it was refused before')
  return ociWords(oci, root, { container, command, user, rlimits: oci.rlimits, ...made })
}

/** `userWords`: those that change the user, by setpriv as well. */
function wordsBefore(
  { words, setpriv }: Prepared,
  userWords: readonly string[],
): readonly string[] {
  const first = userWords.length === 0 && setpriv.length > 0 ? ['setpriv'] : userWords
  return [...words, ...first, ...setpriv]
}

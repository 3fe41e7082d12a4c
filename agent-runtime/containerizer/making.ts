/** All that is made for a container before its first process. */
import { strict as assert } from 'node:assert'
import { realpathSync } from 'node:fs'
import { SANDBOX_INSIDE } from '../../protocol/container-problem.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { Namespace } from '../../protocol/linux.ts'
import type { Confinement } from '../isolator/confinement.ts'
import type { OpenIsolators } from '../isolator/isolators.ts'
import { joinsOf, type KillIsolator, makeHold } from '../isolator/kill/kill.ts'
import { enterWords, insideOf, killHoldOf } from '../isolator/namespaces/namespaces.ts'
import { makePrivateFiles } from '../isolator/namespaces/private-files.ts'
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
  readonly isolator: KillIsolator
  readonly isolators: OpenIsolators
  readonly confinement: Confinement
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
  const problem = problemOf(spec) ?? (root === undefined ? undefined : ociProblem(spec, root))
  if (problem !== undefined) return problem
  if (typeof user === 'object' && 'refused' in user) return user.refused
  const runAs = typeof user === 'object' ? user : undefined
  const oci = spec.container?.kind === 'oci' ? spec.container : undefined
  const asked = oci === undefined ? spec : { linux: ociLinux(oci) }
  const confined = maker.confinement.prepare(asked, runAs?.prefix ?? [])
  if ('refused' in confined) return confined.refused
  if (typeof network === 'object') return network.refused
  const { containerId, sandbox, command } = spec
  const { namespaces, words } = confined
  const { sandboxPath, groupPath } = maker.sandboxes.createFor(spec, runAs)
  // Before anybody else may change what is in it.
  const isolate = isolateLines(maker, making, { namespaces, sandboxPath, groupPath })
  maker.sandboxes.giveTo(sandboxPath, runAs)
  const hold = killHoldOf(maker.isolator.holdFor(containerId), namespaces)
  const wanted = { ...spec.limits, ports: spec.ports, sandboxPath }
  const prepared = maker.isolators.prepare(containerId, wanted)
  if (typeof prepared === 'string') return prepared
  const { held, settings } = prepared
  const gpus = maker.isolators.gpuEnvironment(held.holds)
  const { agentId } = maker
  const inside = oci === undefined ? sandboxPath : SANDBOX_INSIDE
  const environment = environmentOf(spec, { agentId, sandboxPath: inside, groupPath, gpus })
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
    enter: enterWords(hold, { asked: namespaces, network }),
    isolate: [...isolate, ...(instead?.isolate ?? [])],
    prefix: words,
    envOptions: maker.envOptions,
    ...(instead && { instead }),
  })
  maker.runtime.writeLaunch(containerId, text)
  makeHold(hold)
  held.make(settings)
  return undefined
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

interface Paths {
  readonly namespaces: readonly Namespace[]
  readonly sandboxPath: string
  readonly groupPath: string | undefined
}

/** Makes what it is to find in its namespaces. @returns what is to be done within. */
function isolateLines(
  { confinement }: Maker,
  { spec, network }: Making,
  { namespaces, sandboxPath, groupPath }: Paths,
): readonly string[] {
  const isAlone = namespaces.includes('network') && network === undefined
  const loopback = isAlone ? [`${confinement.loopbackUp} || return`] : []
  if (!namespaces.includes('mount')) return loopback
  const sandbox = realpathSync(sandboxPath)
  const kept = groupPath === undefined ? [] : [realpathSync(groupPath)]
  const memBytes = spec.limits?.memBytes
  return [...loopback, ...makePrivateFiles({ sandbox, kept, memBytes })]
}

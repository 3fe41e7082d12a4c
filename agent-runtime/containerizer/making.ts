/** All that is made for a container before its first process. */
import { realpathSync } from 'node:fs'
import type { AgentId } from '../../protocol/ids.ts'
import type { Confinement } from '../isolator/confinement.ts'
import type { OpenIsolators } from '../isolator/isolators.ts'
import { joinsOf, type KillIsolator, makeHold } from '../isolator/kill.ts'
import { enterWords, holdOf, insideOf } from '../isolator/namespaces.ts'
import { makePrivateFiles, privateFileLines } from '../isolator/private-files.ts'
import type { Sandboxes } from '../sandbox/sandbox.ts'
import type { UserAnswer } from '../sandbox/user.ts'
import type { Container } from './container.ts'
import type { ContainerSpec } from './containerizer.ts'
import { environmentOf, problemOf } from './environment.ts'
import { renderLaunchFile } from './launch-file.ts'
import type { RuntimeDirectory } from './runtime-directory.ts'

export interface Maker {
  readonly agentId: AgentId
  readonly runtime: RuntimeDirectory
  readonly sandboxes: Sandboxes
  readonly isolator: KillIsolator
  readonly isolators: OpenIsolators
  readonly confinement: Confinement
  /** Options that make env(1) undo what shells do to signals of background jobs. */
  readonly envOptions: readonly string[]
}

export interface Making {
  readonly container: Container
  readonly spec: ContainerSpec
  readonly user: UserAnswer
  /** A network namespace to enter, as a path, or why there is none. Absent: none is shared. */
  readonly network: string | { readonly refused: string } | undefined
}

/**
 * Makes what the launcher needs. @returns a sentence that says why it cannot be; undefined: done.
 * @throws what the kernel or the disk refuses.
 */
export function makeContainer(maker: Maker, making: Making): string | undefined {
  const { container, spec, user, network } = making
  const problem = problemOf(spec)
  if (problem !== undefined) return problem
  if (typeof user === 'object' && 'refused' in user) return user.refused
  const runAs = typeof user === 'object' ? user : undefined
  const confined = maker.confinement.prepare(spec, runAs?.prefix ?? [])
  if ('refused' in confined) return confined.refused
  if (typeof network === 'object') return network.refused
  const { containerId, sandbox, command } = spec
  const { namespaces, words } = confined
  const { sandboxPath, groupPath } = maker.sandboxes.createFor(spec, runAs)
  const hold = holdOf(maker.isolator.holdFor(containerId), namespaces)
  const wanted = { ...spec.limits, ports: spec.ports, sandboxPath }
  const prepared = maker.isolators.prepare(containerId, wanted)
  if (typeof prepared === 'string') return prepared
  const { held, settings } = prepared
  const gpus = maker.isolators.gpuEnvironment(held.holds)
  const { agentId } = maker
  const environment = environmentOf(spec, { agentId, sandboxPath, groupPath, gpus })
  container.prepared(hold, held, insideOf(hold, namespaces))
  const text = renderLaunchFile({
    sandbox,
    hold,
    holds: held.holds,
    namespaces,
    output: maker.sandboxes.limitsOf(sandbox),
    sandboxPath,
    cgroups: [...new Set([...joinsOf(hold), ...held.cgroups])],
    command,
    environment,
    enter: enterWords(hold, { asked: namespaces, network }),
    isolate: isolateLines(maker, making, { sandboxPath, groupPath }),
    prefix: words,
    envOptions: maker.envOptions,
  })
  maker.runtime.writeLaunch(containerId, text)
  makeHold(hold)
  held.make(settings)
  return undefined
}

interface Paths {
  readonly sandboxPath: string
  readonly groupPath: string | undefined
}

/** What makes of its namespaces what it is to find there. */
function isolateLines(
  { confinement }: Maker,
  { spec, network }: Making,
  { sandboxPath, groupPath }: Paths,
): readonly string[] {
  const { namespaces = [] } = spec.linux ?? {}
  const isAlone = namespaces.includes('network') && network === undefined
  const loopback = isAlone ? [`${confinement.loopbackUp} || return`] : []
  if (!namespaces.includes('mount')) return loopback
  const sandbox = realpathSync(sandboxPath)
  makePrivateFiles({ sandbox })
  const kept = groupPath === undefined ? [] : [realpathSync(groupPath)]
  const memBytes = spec.limits?.memBytes
  return [...loopback, ...privateFileLines({ sandbox, kept, memBytes })]
}

/** `bourse allocator`: proposes who gets what. Keeps nothing, so it may be killed at any time. */

import { startAllocator } from '../../actors/allocator/main.ts'
import { drf } from '../../actors/allocator/policies/drf.ts'
import { type LoadedPolicy, loadPolicy, tryPolicy } from '../../actors/allocator/policies/load.ts'
import { POLICY_DEFAULT, type PolicyChoice } from '../../actors/allocator/policies/words.ts'
import { startShadow } from '../../actors/allocator/shadow/main.ts'
import { systemClock } from '../../bus/clock.ts'
import { randomToken } from '../../bus/random.ts'
import type { ShadowId } from '../../protocol/ids.ts'
import { runActorProcess } from '../actor-process.ts'
import type { ActorWorld } from '../actor-world.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import { jsonLine } from '../io.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { harmless } from '../text.ts'

export interface AllocatorOptions extends CommandOptions {
  /** Absent: the default. */
  readonly policy?: PolicyChoice
  readonly checkPolicy?: boolean
  readonly shadow?: boolean
  /** Of a shadow. */
  readonly id?: string
}

export async function allocator(invocation: Invocation<AllocatorOptions>): Promise<ExitCode> {
  const { policy = DEFAULT, checkPolicy, shadow, id } = invocation.options
  if (checkPolicy) return checkIt(policy, invocation)
  if (id !== undefined && !shadow) throw wrongUse('--id is the name of a shadow: add --shadow')
  const loaded = await loadPolicy(policy, systemClock)
  if (!shadow)
    return runActorProcess(
      { name: 'allocator', start: (world) => startAllocatorIn(world, loaded) },
      invocation,
    )
  const shadowId = (id ?? randomToken(32)) as ShadowId
  const start = (world: ActorWorld) => startShadow({ ...told(world), shadowId, loaded })
  return runActorProcess({ name: `shadow ${shadowId}`, start }, invocation)
}

export const startAllocatorIn = (world: ActorWorld, loaded: LoadedPolicy = { policy: drf }) =>
  startAllocator({ ...told(world), loaded })

/** What `--policy` means where it is not given. */
const DEFAULT = { text: POLICY_DEFAULT, order: POLICY_DEFAULT } as const

/** The world, with what is to be logged. */
const told = (world: ActorWorld) => ({
  ...world,
  onPhase: (phase: string) => world.log({ level: 'info', message: phase }),
  onFailure: (policy: string, problem: string) =>
    world.log({
      level: 'error',
      message: `policy ${policy} failed, ${POLICY_DEFAULT} takes its place: ${problem}`,
    }),
})

async function checkIt(
  choice: PolicyChoice,
  { options, io }: Invocation<AllocatorOptions>,
): Promise<ExitCode> {
  const { text } = choice
  const problems = await tryPolicy(choice, systemClock)
  if (options.json) io.print(jsonLine({ policy: text, problems }))
  else if (problems.length === 0) io.print(`${text} keeps what policies promise`)
  else for (const problem of problems) io.printError(harmless(`bourse: ${text}: ${problem}`))
  return problems.length === 0 ? EXIT.done : EXIT.failed
}

/** `bourse kill TASK…`. */
import { ClusterError } from '../../protocol/errors.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { ifAway } from '../agents-away.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findTaskToEnd, type WantedTask, wantedTask } from '../find-task.ts'
import { type Io, jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'

export interface KillOptions extends CommandOptions {
  /** From SIGTERM to SIGKILL. Absent: what the task's framework asked for. */
  readonly grace?: number
}

export function kill(
  texts: readonly string[],
  { options, io }: Invocation<KillOptions>,
): Promise<ExitCode> {
  const wanted = texts.map(wantedTask)
  return withOperator(options, io.env, async (client) => {
    let exit: ExitCode = EXIT.done
    for (const one of wanted) {
      try {
        await killOne(client, one, { options, io })
      } catch (error) {
        // The others are still to be killed.
        if (!(error instanceof ClusterError) || !isAboutTask(error)) throw error
        io.printError(`bourse: ${error.message}`)
        exit = EXIT.failed
      }
    }
    return exit
  })
}

const isAboutTask = ({ code }: ClusterError): boolean =>
  ['cli/no-task', 'cli/several-tasks', 'bus/refused'].includes(code)

/** One task; what becomes of it is said, also when nobody can know it. */
export async function killOne(
  client: OperatorClient,
  wanted: WantedTask,
  { options, io }: { readonly options: KillOptions; readonly io: Io },
): Promise<void> {
  const { principal, frameworkId, taskId, agentId, state } = await findTaskToEnd(client, wanted)
  const isOver = isTerminal(state)
  const { grace } = options
  if (!isOver) {
    const graceMs = grace === undefined ? {} : { graceMs: grace }
    await client.ask('kill', { principal, frameworkId, taskId, ...graceMs })
  }
  const away = isOver ? undefined : await ifAway(client, agentId)
  if (options.json) {
    const awaits = away === undefined ? {} : { awaits: agentId, agentState: away.state }
    io.print(jsonLine({ principal, frameworkId, taskId, state, killed: !isOver, ...awaits }))
  } else if (isOver) io.print(`${taskId} is ${state} already`)
  else if (away === undefined) io.print(`killing ${taskId}`)
  else io.print(`${taskId} is killed when ${agentId} is back (${away.state}); ${UNLESS}`)
}

/** Only who leads now remembers what an operator wants. */
const UNLESS = 'if another master leads by then, ask again'

/** `bourse kill TASK…`. */
import { ClusterError } from '../../protocol/errors.ts'
import { isTerminal } from '../../protocol/task-state.ts'
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

async function killOne(
  client: OperatorClient,
  wanted: WantedTask,
  { options, io }: { readonly options: KillOptions; readonly io: Io },
): Promise<void> {
  const { principal, frameworkId, taskId, state } = await findTaskToEnd(client, wanted)
  const isOver = isTerminal(state)
  const { grace } = options
  if (!isOver) {
    const graceMs = grace === undefined ? {} : { graceMs: grace }
    await client.ask('kill', { principal, frameworkId, taskId, ...graceMs })
  }
  if (options.json) io.print(jsonLine({ principal, frameworkId, taskId, state, killed: !isOver }))
  else io.print(isOver ? `${taskId} is ${state} already` : `killing ${taskId}`)
}

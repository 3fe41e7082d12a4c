/** `bourse explain ID`: why a framework, a role, an agent or a task is as it is. */
import type { Message } from '../../protocol/schema/messages.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { explanationOf, toldLines } from '../explain/sentences.ts'
import { findTarget, type Target, type TargetKind } from '../explain/target.ts'
import { jsonLine } from '../io.ts'
import { withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'

export interface ExplainOptions extends CommandOptions {
  readonly kind?: TargetKind
}

export function explain(
  text: string,
  { options, io }: Invocation<ExplainOptions>,
): Promise<ExitCode> {
  return withOperator(options, io.env, async (client) => {
    const target = await findTarget(client, text, options.kind)
    const said = await client.ask('explain', questionOf(target))
    if (options.json) io.print(jsonLine({ kind: target.kind, id: target.id, ...said }))
    else {
      const told = explanationOf(target, said, client.clock.now().wallMs)
      for (const line of toldLines(told)) io.print(line)
    }
    return EXIT.done
  })
}

function questionOf(target: Target): Message<'Explain'> {
  switch (target.kind) {
    case 'framework':
      return { framework: keyOf(target.item) }
    case 'role':
      return { role: target.id }
    case 'agent':
      return { agentId: target.item.agentId }
    case 'task':
      return { task: { ...keyOf(target.item), taskId: target.item.taskId } }
    case 'waiting':
      return { task: { ...keyOf(target.item), taskId: target.taskId } }
  }
}

type Key = NonNullable<Message<'Explain'>['framework']>

const keyOf = ({ principal, frameworkId }: Key): Key => ({ principal, frameworkId })

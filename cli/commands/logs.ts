/** `bourse logs TASK [--follow] [--stderr]`: what a task has written, straight from its agent. */
import { randomToken } from '../../bus/random.ts'
import { RefusedError } from '../../bus/service.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { Launch, SessionId } from '../../protocol/ids.ts'
import { OUTPUT_BYTES_MAX } from '../../protocol/limits.ts'
import type { Output } from '../../protocol/schema/scheduler.ts'
import { taskOutput } from '../../protocol/subjects.ts'
import { whyUnread } from '../agents-away.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findSandbox, type Sandbox, tellOthers } from '../find-sandbox.ts'
import { wantedTask } from '../find-task.ts'
import { jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { isWorthWaiting } from '../sandbox-reader.ts'
import { awaitStop } from '../stop-signals.ts'

export interface LogsOptions extends CommandOptions {
  readonly follow?: boolean
  readonly stderr?: boolean
  /** Which launch of the task; absent: the newest. */
  readonly launch?: string
}

/** How long an agent may keep a request until there is more. */
const FOLLOW_MS = 10_000
/** A piece that has not come so long after that is lost, or its agent is away. */
const ANSWER_MS_MAX = 2_000
/** Before it is asked again where there was no leader. */
const AGAIN_MS = 1_000
/** So many in a row, and somebody is told. */
const SILENCES_MAX = 3

export function logs(text: string, { options, io }: Invocation<LogsOptions>): Promise<ExitCode> {
  const wanted = wantedTask(text)
  return withOperator(options, io.env, async (client) => {
    const found = await findSandbox(client, { ...wanted, launch: options.launch })
    tellOthers(io, found)
    const printed = print(
      client,
      { ...found.sandbox, isAsked: options.launch !== undefined },
      { options, io },
    )
    if (options.follow !== true) return await printed
    const stop = awaitStop()
    return await Promise.race([printed, stop.came.then(() => EXIT.done)]).finally(stop.forget)
  })
}

/** `isAsked`: that very launch is wanted, not just the newest. */
type Wanted = Sandbox & { readonly isAsked: boolean }

async function print(
  client: OperatorClient,
  task: Wanted,
  { options, io }: Invocation<LogsOptions>,
): Promise<ExitCode> {
  const decoder = new TextDecoder()
  const pieces = readOutput(client, task, {
    stream: options.stderr ? 'stderr' : 'stdout',
    follows: options.follow === true,
    onSilence: () => io.printError(`bourse: agent ${task.agentId} does not answer; still asking`),
  })
  for await (const { offset, data, stream, goneBytes, begunAnew } of pieces) {
    if (goneBytes !== undefined)
      io.printError(`bourse: ${goneBytes} bytes were taken away, as there were too many`)
    if (begunAnew) io.printError('bourse: it was emptied; what follows is from its begin on')
    if (data.length === 0) continue
    if (!options.json) io.write(data)
    else io.print(jsonLine({ stream, offset, text: decoder.decode(data, { stream: true }) }))
    await io.drained()
  }
  return EXIT.done
}

interface Reading {
  readonly stream: 'stdout' | 'stderr'
  /** Until the task has ended and all was read; else as far as there is any now. */
  readonly follows: boolean
  readonly onSilence: () => void
}

/** @throws {ClusterError} `cli/no-output`; as `ask`. */
async function* readOutput(
  client: OperatorClient,
  task: Wanted,
  { stream, follows, onSilence }: Reading,
): AsyncGenerator<Output> {
  let offset = 0
  let silences = 0
  let { launch }: { launch?: Launch } = task
  for (;;) {
    const wanted = { stream, offset, waitMs: follows ? FOLLOW_MS : 0, ...(launch && { launch }) }
    const piece = await readPiece(client, task, wanted).catch((error: unknown) => {
      // An older leader knows no launches: its agents show the newest.
      if (task.isAsked || launch === undefined || !isInvalid(error)) throw error
      launch = undefined
      return 'once-more' as const
    })
    if (piece === 'once-more') continue
    if (piece === undefined) {
      silences += 1
      if (silences < SILENCES_MAX) continue
      if (!follows) throw noOutput(`agent ${task.agentId} does not answer`)
      if (silences === SILENCES_MAX) onSilence()
      continue
    }
    silences = 0
    if (piece.missing) throw noOutput(`agent ${task.agentId} has no output of ${task.taskId}`)
    const { data, goneBytes = 0, begunAnew, end } = piece
    const isNews = data.length > 0 || goneBytes > 0 || begunAnew === true
    if (isNews) yield { ...piece, offset: offset + goneBytes }
    offset = begunAnew ? 0 : offset + goneBytes + data.length
    if (end || (!follows && !isNews)) return
  }
}

interface Request {
  readonly stream: 'stdout' | 'stderr'
  readonly offset: number
  readonly waitMs: number
  readonly launch?: Launch
}

const isInvalid = (error: unknown): boolean =>
  error instanceof RefusedError && error.refusal.name === 'invalid'

/** Undefined: nothing came in time. */
async function readPiece(
  client: OperatorClient,
  { principal, frameworkId, taskId, agentId }: Sandbox,
  wanted: Request,
): Promise<Output | undefined> {
  const { cluster, messenger, clock } = client
  const request = randomToken(64) as SessionId
  const ids = { cluster, agentId, principal, frameworkId }
  let resolve: (piece: Output | undefined) => void = () => undefined
  const came = new Promise<Output | undefined>((resolvePiece) => {
    resolve = resolvePiece
  })
  const subscription = messenger.listen(taskOutput, ids, (piece) => {
    if (piece.request === request) resolve(piece)
  })
  const timer = clock.after(wanted.waitMs + ANSWER_MS_MAX, () => resolve(undefined))
  const body = { principal, frameworkId, taskId, agentId, ...wanted, request }
  try {
    await client.ask('read-output', { ...body, bytesMax: OUTPUT_BYTES_MAX })
    return await came
  } catch (error) {
    // Who follows waits for the next leader, and for it to know the agent.
    if (!(error instanceof ClusterError)) throw error
    if (wanted.waitMs === 0 || !isWorthWaiting(error)) throw await whyUnread(client, agentId, error)
    await new Promise<void>((resolve) => void clock.after(AGAIN_MS, resolve))
    return undefined
  } finally {
    timer.cancel()
    subscription.close()
  }
}

const noOutput = (message: string): ClusterError =>
  new ClusterError('cli/no-output', 'later', message)

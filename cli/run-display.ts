/** Shows a run while it lasts. */
import { TextDecoder } from 'node:util'
import type { Clock, Timer } from '../bus/clock.ts'
import type { InstanceView, RunResult } from '../frameworks/run/result.ts'
import type { Display } from '../frameworks/run/run.ts'
import { COLUMNS_DEFAULT, type Io, jsonLine } from './io.ts'
import { LineCutter } from './lines.ts'
import { type LiveLine, NO_LIVE_LINE, openLiveLine } from './live-line.ts'
import { progressLine, summaryLines } from './run-progress.ts'
import { harmless } from './text.ts'

export interface RunDisplay extends Display {
  /** Says something about the run. */
  say(sentence: string): void
  /** Says how it ended; what is left of the output comes first. */
  finish(result: RunResult): void
  /** Without a result: takes away what is not for the scroll. */
  close(): void
}

export interface DisplayOptions {
  readonly io: Io
  readonly clock: Clock
  readonly instances: number
  /** Each line of output begins with the task that wrote it. */
  readonly prefixes: boolean
}

type StreamName = 'stdout' | 'stderr'

/** Who waits for so long is told why. */
const WAITING_MS = 3_000

/** For people: output as it comes, a line of progress where there is a terminal. */
export function humanDisplay({ io, clock, instances, prefixes }: DisplayOptions): RunDisplay {
  const beganMs = clock.now().monotonicMs
  const elapsedMs = (): number => clock.now().monotonicMs - beganMs
  const cutters = new Map<string, { readonly cutter: LineCutter; readonly view: InstanceView }>()
  let all: readonly InstanceView[] = Array.from({ length: instances }, (_, index) => ({
    index,
    state: 'waiting' as const,
  }))
  let why: string | undefined
  let line: LiveLine = io.isErrorTerminal
    ? openLiveLine({
        clock,
        write: (text) => io.writeError(text),
        columns: () => process.stderr.columns || COLUMNS_DEFAULT,
        text: () => progressLine(all, elapsedMs(), why),
      })
    : NO_LIVE_LINE
  const hasLine = line !== NO_LIVE_LINE
  const say = (sentence: string): void =>
    line.above(() => io.printError(`bourse: ${harmless(sentence)}`))
  const patience: Timer = clock.after(WAITING_MS, () => {
    if (!hasLine && all.some(({ state }) => state === 'waiting'))
      say(`waiting: ${why ?? 'nothing is offered'}`)
  })
  const put = (view: InstanceView, stream: StreamName, bytes: Uint8Array): void => {
    if (prefixes) io[stream === 'stdout' ? 'write' : 'writeError'](`${view.taskId ?? ''} | `)
    if (stream === 'stdout') io.write(bytes)
    else io.writeError(bytes)
  }
  const rest = (): void => {
    for (const [key, { cutter, view }] of cutters)
      for (const bytes of cutter.end())
        put(view, key.endsWith('stdout') ? 'stdout' : 'stderr', bytes)
  }
  const close = (): void => {
    patience.cancel()
    line.close()
    line = NO_LIVE_LINE
  }
  return {
    say,
    close,
    changed(_view, views) {
      all = views
    },
    waiting(reason) {
      why = reason
    },
    output(view, stream, data) {
      if (instances === 1) {
        // Nothing else is printed that it could mix with, but for the line.
        line.close()
        line = NO_LIVE_LINE
        return put(view, stream, data)
      }
      const key = `${view.index} ${stream}`
      const { cutter } = cutters.get(key) ?? { cutter: new LineCutter() }
      cutters.set(key, { cutter, view })
      const lines = cutter.push(data)
      if (lines.length > 0) line.above(() => lines.forEach((bytes) => put(view, stream, bytes)))
    },
    outputMissing: ({ taskId }, stream, reason) =>
      say(`the rest of ${stream} of ${taskId ?? 'a task'} is lost: ${reason}`),
    finish(result) {
      line.above(rest)
      close()
      for (const sentence of summaryLines(result, elapsedMs())) io.printError(`bourse: ${sentence}`)
    },
  }
}

/** For programs: a line of JSON for each thing that happens. */
export function jsonDisplay({ io, clock }: DisplayOptions): RunDisplay {
  const beganMs = clock.now().monotonicMs
  const decoders = new Map<string, TextDecoder>()
  const tell = (event: string, fields: object): void => io.print(jsonLine({ event, ...fields }))
  return {
    say: (message) => tell('message', { message }),
    close: () => undefined,
    changed: (view) => tell('task', view),
    waiting: (why) => tell('waiting', { why }),
    output({ index, taskId }, stream, data) {
      const key = `${index} ${stream}`
      const decoder = decoders.get(key) ?? new TextDecoder()
      decoders.set(key, decoder)
      tell('output', { index, taskId, stream, text: decoder.decode(data, { stream: true }) })
    },
    outputMissing: ({ index, taskId }, stream, why) =>
      tell('output-missing', { index, taskId, stream, why }),
    finish(result) {
      tell('result', { ...result, elapsedMs: Math.round(clock.now().monotonicMs - beganMs) })
    },
  }
}

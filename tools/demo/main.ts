/**
 * `npm run demo`: a whole cluster on this machine counts words and is checked; nothing stays
 * behind. Exit status 0: all was as it should be; 1: something was not, and a sentence says what.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../../bus/clock.ts'
import { jsonLine, processIo } from '../../cli/io.ts'
import { onStopSignal, readerIsGone } from '../../cli/stop-signals.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { whenReaderIsGone } from '../reader-gone.ts'
import { type DemoOptions, folderProblem, parseDemo, USAGE } from './command-line.ts'
import { runDemo } from './demo.ts'
import { faults, type Outcome } from './outcome.ts'
import { outcomeDocument, outcomeLines } from './report.ts'
import { openTeller, SILENT } from './teller.ts'

const CODES = { done: 0, failed: 1, usage: 64, bug: 70, interrupted: 130 } as const

const io = processIo()

/** Who has seen enough (`npm run demo | head`), or closes the terminal, ends the demo. */
whenReaderIsGone(() => void readerIsGone())

async function demo(options: DemoOptions): Promise<number> {
  const problem = folderProblem(options.folder)
  if (problem !== undefined) {
    io.printError(`demo: ${problem}`)
    return CODES.usage
  }
  const teller = options.json ? SILENT : openTeller(io, systemClock)
  const stop = new AbortController()
  onStopSignal((_signal, count) => {
    if (count > 1) process.exit(CODES.interrupted)
    teller.say('ending all of it; once more: leaves at once')
    stop.abort()
  })
  try {
    const outcome = await runDemo(options, { teller, signal: stop.signal })
    teller.close()
    if (outcome === undefined) return CODES.interrupted
    print(options, outcome)
    const wrong = faults(outcome)
    for (const fault of wrong) io.printError(`demo: ${fault}`)
    return wrong.length === 0 ? CODES.done : CODES.failed
  } catch (error) {
    teller.close()
    if (!isExpected(error)) throw error
    io.printError(`demo: ${error.message}`)
    return stop.signal.aborted ? CODES.interrupted : CODES.failed
  }
}

/** Of the cluster, or of the file system: its sentence is enough. */
const isExpected = (error: unknown): error is Error =>
  error instanceof ClusterError || (error instanceof Error && 'syscall' in error)

function print({ json }: DemoOptions, outcome: Outcome): void {
  if (json) io.print(jsonLine(outcomeDocument(outcome)))
  else for (const line of outcomeLines(outcome, io.columns)) io.print(line)
}

/** Where this project lies, however deep its compiled files do. */
function projectFolder(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return folder
  return process.cwd()
}

/** npm runs scripts in the project's folder and says where it was called. */
const { npm_lifecycle_event: script, INIT_CWD: calledFrom } = process.env
const from = script === 'demo' && calledFrom ? calledFrom : process.cwd()
const options = parseDemo(process.argv.slice(2), { from, folderDefault: projectFolder() })
if (options === 'help') {
  io.print(USAGE)
} else if ('wrong' in options) {
  io.printError(`demo: ${options.wrong}`)
  io.printError(USAGE)
  process.exitCode = CODES.usage
} else {
  process.exitCode = await demo(options)
}

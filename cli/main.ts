#!/usr/bin/env node
/** The `bourse` command. */
import { EXIT, type ExitCode } from './exit-code.ts'
import { watchOutput } from './gone-reader.ts'
import { processIo } from './io.ts'
import { runCommandLine } from './program.ts'
import { readerIsGone } from './stop-signals.ts'
import { systemFault } from './system-fault.ts'

/**
 * A reader that has seen enough (`bourse tasks | head`) is no failure. What a command has begun
 * ends as with Ctrl-C: a run kills its tasks.
 */
watchOutput({
  gone() {
    if (!readerIsGone()) process.exit(EXIT.done)
  },
  broken: fail,
})

/** What nobody caught: of the machine, like a full disk, or a bug. */
function fail(error: unknown): never {
  const fault = systemFault(error)
  const stack = error instanceof Error ? error.stack : String(error)
  process.stderr.write(fault === undefined ? `bourse: a bug: ${stack}\n` : `bourse: ${fault}\n`)
  process.exit(fault === undefined ? EXIT.bug : EXIT.failed)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

/** What was written to a pipe may still wait for its reader: an exit would throw it away. */
const isRead = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write('', () => resolve()))

const code: ExitCode = await runCommandLine(process.argv.slice(2), processIo())
await Promise.all([isRead(process.stdout), isRead(process.stderr)])
process.exit(code)

#!/usr/bin/env node
/** The `bourse` command. */
import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { EXIT, type ExitCode } from './exit-code.ts'
import { processIo } from './io.ts'
import { runCommandLine } from './program.ts'
import { readerIsGone } from './stop-signals.ts'
import { systemFault } from './system-fault.ts'

const terminals = [0, 1, 2].filter((fd) => isatty(fd))
// Node puts terminals right when it exits, and crashes if one of them was closed meanwhile.
process.on('exit', () => {
  for (const fd of terminals) if (!isatty(fd)) closeSync(fd)
})

/** The other end of a pipe, or the terminal, is there no more. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

/**
 * A reader that has seen enough (`bourse tasks | head`) is no failure. What a command has begun
 * ends as with Ctrl-C: a run kills its tasks.
 */
const onOutputError = (error: NodeJS.ErrnoException): void => {
  if (!GONE.has(error.code)) fail(error)
  if (!readerIsGone()) process.exit(EXIT.done)
}
process.stdout.on('error', onOutputError)
process.stderr.on('error', onOutputError)

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

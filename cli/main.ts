#!/usr/bin/env node
/** The `bourse` command. */
import { EXIT } from './exit-code.ts'
import { processIo } from './io.ts'
import { runCommandLine } from './program.ts'

let isCutOff = false

/**
 * A reader that has seen enough (`bourse tasks | head`) is no failure. What a command has begun ends
 * as with Ctrl-C: a run kills its tasks.
 */
const endQuietly = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error
  if (isCutOff) return
  isCutOff = true
  if (process.listenerCount('SIGINT') === 0) process.exit(EXIT.done)
  process.emit('SIGINT')
}
process.stdout.on('error', endQuietly)
process.stderr.on('error', endQuietly)

const bug = (error: unknown): never => {
  process.stderr.write(`bourse: a bug: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(EXIT.bug)
}
process.on('uncaughtException', bug)
process.on('unhandledRejection', bug)

/** What was written to a pipe may still wait for its reader: an exit would throw it away. */
const isRead = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write('', () => resolve()))

const code = await runCommandLine(process.argv.slice(2), processIo())
await Promise.all([isRead(process.stdout), isRead(process.stderr)])
process.exit(code)

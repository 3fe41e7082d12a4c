/** What a detached run's process says goes to a file. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { boundedErrors } from '../../../cli/commands/watch-run.ts'
import { recordingIo } from '../../support/io.ts'

test('a log of more than 1 MiB begins anew, with what is said then', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-watch-run-'))
  const path = join(folder, 'log.txt')
  const fd = openSync(path, 'ax')
  try {
    const io = boundedErrors(
      { ...recordingIo().io, printError: (line) => void writeSync(fd, `${line}\n`) },
      fd,
    )
    io.printError('x'.repeat(1024 * 1024))
    io.printError('one')
    io.printError('two')
    t.is(readFileSync(path, 'utf8'), 'one\ntwo\n')
  } finally {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  }
})

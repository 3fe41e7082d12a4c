/** What a detached run's process says goes to a file. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
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
    const io = boundedErrors(recordingIo().io, fd)
    io.printError('x'.repeat(1024 * 1024))
    io.printError('one')
    io.printError('two')
    t.is(readFileSync(path, 'utf8'), 'one\ntwo\n')
  } finally {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  }
})

const SAYS_TWO_LINES = `
import { boundedErrors } from '${import.meta.resolve('../../../cli/commands/watch-run.js')}'
import { processIo } from '${import.meta.resolve('../../../cli/io.js')}'
const io = boundedErrors(processIo(), 2)
io.printError('one')
io.printError('two')
setImmediate(() => io.print('goes on'))`

test('who cannot write its log, as the disk is full, goes on without', (t) => {
  const full = openSync('/dev/full', 'a')
  try {
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', SAYS_TWO_LINES], {
      stdio: ['ignore', 'pipe', full],
      encoding: 'utf8',
    })
    t.deepEqual([ended.status, ended.stdout], [0, 'goes on\n'])
  } finally {
    closeSync(full)
  }
})

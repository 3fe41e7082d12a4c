/** A terminal that closes while a tool prints. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import test from 'ava'
import { needs } from '../../support/needs.ts'
import { PYTHON } from '../../support/python.ts'

/** Runs its arguments on a terminal that it closes as soon as they have said something. */
const ON_A_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
os.read(terminal, 1)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`

const PRINTS = `
import { createServer } from 'node:net'
import { whenReaderIsGone } from '${import.meta.resolve('../../../tools/reader-gone.js')}'
whenReaderIsGone(() => process.exit(7))
process.on('SIGHUP', () => console.log('more'))
createServer().listen(0, '127.0.0.1', () => console.log('begun'))`

test('a terminal that was closed is a reader that is gone, and no fault', (t) => {
  const what = { name: 'python3', found: existsSync(PYTHON), install: 'apt-get install python3' }
  if (!needs(t, what)) return
  const program = [process.execPath, '--input-type=module', '-e', PRINTS]
  const ended = spawnSync(PYTHON, ['-c', ON_A_TERMINAL, ...program], { encoding: 'utf8' })
  t.is(ended.stdout, '7\n', ended.stderr)
})

import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { bytesOf, lastError } from '../../../cli/dev/last-error.ts'

const line = (level: string, message: string): string => `${JSON.stringify({ level, message })}\n`

test('the last error of a process is the last one in its log since it began', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'agent-1.jsonl')
  t.is(bytesOf(path), 0)
  t.is(lastError(path, 0), undefined)
  appendFileSync(path, line('error', 'of an earlier start'))
  const from = bytesOf(path)
  t.is(lastError(path, from), undefined)
  appendFileSync(path, line('info', 'ready') + line('error', 'refused (gone)'))
  appendFileSync(path, line('info', 'has ended'))
  t.is(lastError(path, from), 'refused (gone)')
  appendFileSync(path, 'bourse: the folder is in use\n')
  t.is(lastError(path, from), 'the folder is in use')
  appendFileSync(path, `${' '.repeat(70_000)}\n${line('error', 'behind much')}`)
  t.is(lastError(path, from), 'behind much')
  appendFileSync(path, line('info', 'x'.repeat(70_000)))
  t.is(lastError(path, from), undefined)
})

test('a log that cannot be read tells of no error, and is none', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-log-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  t.is(lastError(folder, 0), undefined)
})

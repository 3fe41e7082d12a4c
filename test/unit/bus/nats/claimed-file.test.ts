import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  amendClaim,
  claimFile,
  dropClaim,
  ownClaimer,
  readClaim,
} from '../../../../bus/nats/claimed-file.ts'

function aPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-claim-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'below', 'owner')
}

test('a file is claimed once, and free again when it is dropped', (t) => {
  const path = aPath(t)
  t.is(claimFile(path, { what: 'x' }), undefined)
  t.deepEqual(claimFile(path), { ...ownClaimer(), what: 'x' })
  amendClaim(path, { url: 'u' })
  t.like(readClaim(path), { pid: process.pid, what: 'x', url: 'u' })
  dropClaim(path)
  t.is(claimFile(path), undefined)
})

const STALE: Readonly<Record<string, string>> = {
  'a process that is gone': JSON.stringify({ pid: 2 ** 22 + 1, started: '1' }),
  'an earlier process of that number': JSON.stringify({ pid: process.pid, started: '1' }),
  'nobody: it is torn': '{"pid":',
  'nobody: it is empty': '',
}
for (const [whose, text] of Object.entries(STALE))
  test(`a file of ${whose} is taken over`, (t) => {
    const path = aPath(t)
    claimFile(path)
    writeFileSync(path, text)
    t.is(readClaim(path), undefined)
    t.is(claimFile(path), undefined)
    t.is(JSON.parse(readFileSync(path, 'utf8')).pid, process.pid)
  })

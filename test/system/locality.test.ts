/** The locality experiment in small, as its readers would run it, on a cluster of its own. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { runToEnd } from '../support/cluster.ts'

const LOCALITY = fileURLToPath(new URL('../../examples/locality/main.js', import.meta.url))

interface Told {
  readonly kind: 'split' | 'shared'
  readonly waitMs?: number
  readonly tasks: number
  readonly percent: number
}

test('who waits for its data has it, where a split cluster keeps it away', async (t) => {
  t.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'bourse-locality-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const small = ['--agents', '16', '--jobs', '16', '--tasks', '10', '--task-ms', '100']
  const ended = await runToEnd(
    process.execPath,
    [LOCALITY, '--json', ...small, '--waits', '0,5000'],
    { ...process.env, TMPDIR: folder },
  )
  t.is(ended.code, 0, ended.stderr)
  const told = ended.stdout
    .trim()
    .split('\n')
    .map((line): Told => JSON.parse(line))
  const [split, hasty, patient] = told
  t.deepEqual(
    told.map(({ kind, waitMs, tasks }) => [kind, waitMs, tasks]),
    [
      ['split', undefined, 160],
      ['shared', 0, 160],
      ['shared', 5_000, 160],
    ],
  )
  t.true((split?.percent ?? 100) < 25, ended.stdout)
  t.true((hasty?.percent ?? 0) > (split?.percent ?? 100), ended.stdout)
  t.true((patient?.percent ?? 0) >= 90, ended.stdout)
  t.deepEqual(readdirSync(folder), [], 'nothing is left behind')
})

test('the locality experiment says how it is used', async (t) => {
  for (const wrong of [
    ['--seed', 'x'],
    ['--agents', '2', '--jobs', '1'],
    ['--jobs', '33'],
    ['--what'],
  ]) {
    const ended = await runToEnd(process.execPath, [LOCALITY, ...wrong], process.env)
    t.is(ended.code, 64, wrong.join(' '))
    t.regex(ended.stderr, /^usage: main\.js /)
  }
})

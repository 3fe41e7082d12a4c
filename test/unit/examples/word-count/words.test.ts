import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { splitText } from '../../../../examples/word-count/split.ts'
import { findTextFiles, wordEndIn } from '../../../../examples/word-count/text-files.ts'
import {
  addCounts,
  COUNT_SCRIPT,
  type Counts,
  parseCounts,
  topWords,
  totalOf,
} from '../../../../examples/word-count/words.ts'
import { countHere } from '../../../../tools/demo/count-here.ts'

const folder = mkdtempSync(join(tmpdir(), 'bourse-words-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the script as an agent would; gives what it writes. */
function runScript(...pieces: readonly string[]): string {
  const sandbox = mkdtempSync(join(folder, '.sandbox-'))
  const args = ['-c', COUNT_SCRIPT, 'word-count', join(folder, 'text'), ...pieces]
  const env = { PATH: process.env['PATH'] ?? '', BOURSE_SANDBOX: sandbox }
  const stdio = ['ignore', 'pipe', 'ignore'] as const
  return execFileSync('sh', args, { cwd: sandbox, env, stdio: [...stdio] }).toString()
}

const HOSTILE: Readonly<Record<string, string | Buffer>> = {
  'plain.txt': "The cat isn't THE hat\n",
  'no end of line': 'cat',
  'it\'s "quoted" $(here) `there`': 'quoted quoted',
  'new\nline': 'new\nline\nnew',
  '-n': 'dash',
  '--help': 'help',
  'a=b': 'equals equals',
  '*': 'star',
  'ünïcode ☂': 'na\u00efve caf\u00e9 \u2603 Kelvin \u212a',
  latin1: Buffer.from('stra\xdfe \xc0 la carte', 'latin1'),
  'only digits': '0123456789\n\n',
  'one long word': 'x'.repeat(20_000),
  'below/deep er/file': 'deep',
}

test('tasks count what is counted here, whatever files are called and hold', (t) => {
  mkdirSync(join(folder, 'text', 'below', 'deep er'), { recursive: true })
  const text = join(folder, 'text')
  for (const [name, content] of Object.entries(HOSTILE)) writeFileSync(join(text, name), content)
  const { files } = findTextFiles(text)
  t.deepEqual(files.map(({ path }) => path).sort(), Object.keys(HOSTILE).sort())
  const wordEnd = (path: string, offset: number): number => wordEndIn(text, path, offset)
  const counts: Counts = new Map()
  for (const part of splitText(files, { parts: 5, wordEnd })) {
    const pieces = part.flatMap(({ path, offset, bytes }) => [`${offset + 1}`, `${bytes}`, path])
    const counted = parseCounts(runScript(...pieces))
    if (counted === undefined) return t.fail('that are no counts')
    addCounts(counts, counted)
  }
  t.is(counts.get('the'), 2)
  t.is(counts.get('na'), 1)
  t.is(counts.get('x'.repeat(20_000)), 1)
  const here = countHere(
    text,
    files.map(({ path }) => path),
  )
  t.deepEqual(Object.fromEntries(counts), Object.fromEntries(here))
})

test('a file that is gone fails the task; the others are counted', (t) => {
  const error = t.throws<Error & { status?: number; stdout?: Buffer }>(() =>
    runScript('1', '10', 'nothing here', '1', '3', 'no end of line'),
  )
  t.is(error.status, 1)
  t.regex(String(error.stdout), / 1 cat\n$/)
})

test('hidden files, what programs made, what is no text and links are passed over', (t) => {
  const mixed = join(folder, 'mixed')
  mkdirSync(join(mixed, 'node_modules'), { recursive: true })
  mkdirSync(join(mixed, '.git'))
  const contents = { 'node_modules/a': 'a', '.git/b': 'b', '.hidden': 'c', empty: '', text: 'd' }
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(mixed, name), content)
  writeFileSync(join(mixed, 'program'), Buffer.from([0x7f, 0, 1]))
  t.deepEqual(findTextFiles(mixed), {
    files: [{ path: 'text', bytes: 1 }],
    notText: 1,
    unreadable: 0,
  })
  t.throws(() => findTextFiles(join(mixed, 'nowhere')), { code: 'ENOENT' })
})

test('a word ends at the next byte that is no letter, or with the file', (t) => {
  writeFileSync(join(folder, 'ends'), `${'y'.repeat(20_000)}-tail`)
  t.is(wordEndIn(folder, 'ends', 0), 20_000)
  t.is(wordEndIn(folder, 'ends', 20_000), 20_000)
  t.is(wordEndIn(folder, 'ends', 20_002), 20_005)
})

test('what a task wrote is counts, whole, or nothing', (t) => {
  t.deepEqual(parseCounts('      1 \n     12 cat\n'), new Map([['cat', 12]]))
  for (const bad of ['', '1 cat', '0 cat\n', '1 Cat\n', '2 \n', '1 cat hat\n', 'sh: not found\n'])
    t.is(parseCounts(bad), undefined, JSON.stringify(bad))
})

test('the most frequent come first, then the alphabet', (t) => {
  const counts: Counts = new Map([
    ['b', 2],
    ['a', 2],
    ['c', 3],
  ])
  t.deepEqual(topWords(counts, 2), [
    ['c', 3],
    ['a', 2],
  ])
  t.is(totalOf(counts), 7)
})

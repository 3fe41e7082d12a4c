import test from 'ava'
import fc from 'fast-check'
import { type Part, splitText, type TextFile } from '../../../../examples/word-count/split.ts'

/** Words may end anywhere. */
const wordEnd = (_path: string, offset: number): number => offset

const bytesOf = (part: Part): number => part.reduce((sum, { bytes }) => sum + bytes, 0)

test('every byte of every file is in one piece', (t) => {
  const aFile = fc.record({
    path: fc.string({ minLength: 1 }),
    bytes: fc.integer({ min: 1, max: 9_999 }),
  })
  const folder = fc.uniqueArray(aFile, {
    selector: ({ path }) => path,
    minLength: 1,
    maxLength: 50,
  })
  fc.assert(
    fc.property(folder, fc.integer({ min: 1, max: 20 }), (files, parts) => {
      const pieces = splitText(files, { parts, wordEnd }).flat()
      for (const { path, bytes } of files) {
        const own = pieces.filter((piece) => piece.path === path)
        let end = 0
        for (const piece of own.sort((a, b) => a.offset - b.offset)) {
          if (piece.offset !== end || piece.bytes < 1) return false
          end += piece.bytes
        }
        if (end !== bytes) return false
      }
      return true
    }),
  )
  t.pass()
})

test('one large file is as many parts as are wanted, about as large', (t) => {
  const parts = splitText([{ path: 'large', bytes: 12_000 }], { parts: 12, wordEnd })
  t.deepEqual(
    parts.map(bytesOf),
    Array.from({ length: 12 }, () => 1_000),
  )
})

test('small files are spread by bytes, not by number', (t) => {
  const files = [400, 300, 200, 100].map((bytes) => ({ path: `of-${bytes}`, bytes }))
  t.deepEqual(splitText(files, { parts: 2, wordEnd }).map(bytesOf), [500, 500])
})

test('a cut is where the word ends; nothing is cut where none does', (t) => {
  const file = { path: 'words', bytes: 100 }
  t.deepEqual(splitText([file], { parts: 2, wordEnd: (_, offset) => offset + 7 }).flat(), [
    { path: 'words', offset: 0, bytes: 57 },
    { path: 'words', offset: 57, bytes: 43 },
  ])
  t.deepEqual(splitText([file], { parts: 5, wordEnd: () => 100 }).flat(), [
    { path: 'words', offset: 0, bytes: 100 },
  ])
})

test('what does not fit into one task makes more parts', (t) => {
  const named = (name: string, count: number): readonly TextFile[] =>
    Array.from({ length: count }, (_, i) => ({ path: `${name}${i}`, bytes: 1 }))
  const many = splitText(named('f', 1_000), { parts: 2, wordEnd })
  t.true(many.every((part) => part.length <= 300))
  const long = splitText(named('ü'.repeat(2_000), 20), { parts: 2, wordEnd })
  t.true(long.length > 2)
  for (const part of long)
    t.true(Buffer.byteLength(part.map(({ path }) => path).join('')) < 24 * 1024)
})

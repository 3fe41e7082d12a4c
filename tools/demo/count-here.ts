/**
 * Counts words without a cluster, to check one: shares nothing with the tasks but what a word is, a
 * run of ASCII letters in lower case.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

const CHUNK_BYTES = 1 << 20

/** In the time that it takes to read it all, however long words are. @throws {Error} of Node. */
export function countHere(folder: string, paths: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const path of paths)
    for (const text of wholeWords(join(folder, path)))
      for (const [word] of text.matchAll(/[a-z]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** The file piece by piece, a character for each byte, no word in two pieces. */
function* wholeWords(path: string): Generator<string> {
  const fd = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    let begun: string[] = []
    for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk)) {
      const text = chunk.toString('latin1', 0, length).toLowerCase()
      const end = lastGap(text)
      if (end >= 0) {
        yield begun.join('') + text.slice(0, end)
        begun = []
      }
      begun.push(text.slice(end + 1))
    }
    yield begun.join('')
  } finally {
    closeSync(fd)
  }
}

/** The last position at which there is no letter; -1: there are only letters. */
function lastGap(text: string): number {
  for (let i = text.length - 1; i >= 0; i -= 1) {
    const character = text.charAt(i)
    if (character < 'a' || character > 'z') return i
  }
  return -1
}

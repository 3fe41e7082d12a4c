/**
 * Counts words without a cluster, to check one: shares nothing with the tasks but what a word is, a
 * run of ASCII letters in lower case.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

const CHUNK_BYTES = 1 << 20

/** @throws {Error} of Node: a file cannot be read. */
export function countHere(folder: string, paths: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (const path of paths) {
    const fd = openSync(join(folder, path), 'r')
    let begun = ''
    for (let length = -1; length !== 0; ) {
      length = readSync(fd, chunk)
      // A character for each byte; at the end of the file, one that ends the last word.
      const text = begun + (length === 0 ? '\n' : chunk.toString('latin1', 0, length))
      begun = /[A-Za-z]*$/.exec(text)?.[0] ?? ''
      const whole = text.slice(0, text.length - begun.length).toLowerCase()
      for (const [word] of whole.matchAll(/[a-z]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    closeSync(fd)
  }
  return counts
}

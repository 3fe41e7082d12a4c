/**
 * The golden corpus: test/golden/ holds the examples of each message as they travel, so that a
 * change of what is on the wire is seen, and other languages have something to read.
 */
import { encode } from '../../bus/codec.ts'
import { corpus } from './corpus.ts'

export const GOLDEN_FOLDER = 'test/golden'

/** Beside each other; a file is the list of a message's examples, one msgpack value. */
export function goldenFiles(): ReadonlyMap<string, Uint8Array> {
  return new Map([...corpus()].map(([name, examples]) => [`${name}.msgpack`, encode(examples)]))
}

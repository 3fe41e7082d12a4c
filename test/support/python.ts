/** Debian's Python with its msgpack, as a reader and writer that shares no code with ours. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { needs } from './needs.ts'

/** Debian's: others may be on PATH. */
export const PYTHON = '/usr/bin/python3'
const SCRIPT = 'test/support/strict_msgpack.py'

/** First line of a test that needs it. */
export function hasMsgpack(t: ExecutionContext): boolean {
  const found = existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import msgpack']).status === 0
  return needs(t, { name: 'python3-msgpack', found, install: 'apt-get install python3-msgpack' })
}

/** The script's answer to each of `cases`. */
export function askPython(cases: readonly string[]): readonly string[] {
  const input = cases.map((line) => `${line}\n`).join('')
  const { stdout, stderr, status } = spawnSync(PYTHON, ['-B', SCRIPT], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trimEnd().split('\n')
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

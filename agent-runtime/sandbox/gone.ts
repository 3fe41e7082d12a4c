/** How much of the begin of a task's output was taken away. It stands beside the sandbox. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Stream } from './sandboxes.ts'

export const STREAMS: readonly Stream[] = ['stdout', 'stderr']

export const isStream = (name: string): name is Stream =>
  (STREAMS as readonly string[]).includes(name)

/** No token holds a dot, so this is no sandbox. */
const noteOf = (sandboxPath: string, stream: Stream): string => `${sandboxPath}.${stream}`

/** 0: nothing, or nobody knows. */
export function goneBytesOf(sandboxPath: string, stream: Stream): number {
  try {
    const bytes = Number(readFileSync(noteOf(sandboxPath, stream), 'utf8'))
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0
  } catch {
    return 0
  }
}

/** Before it is taken: who reads meanwhile must not take the hole for what was written. */
export function noteGone(sandboxPath: string, stream: Stream, bytes: number): void {
  writeFileSync(noteOf(sandboxPath, stream), `${bytes}\n`)
}

export function forgetGone(sandboxPath: string): void {
  for (const stream of STREAMS) rmSync(noteOf(sandboxPath, stream), { force: true })
}

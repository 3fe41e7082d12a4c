/** Runs a row in a process of its own: what fails there, or hangs, fails alone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../bus/clock.ts'
import type { Need } from '../support/needs.ts'
import type { Report } from './run-row.ts'

const FAULT = fileURLToPath(new URL('./fault.js', import.meta.url))
/** It ends what it has started. */
const END_MS = 15_000

/** What it printed; undefined: nothing, since it has hung or ended early. */
export type Said = Report | { readonly missing: readonly Need[] } | undefined

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})

/** `npm run fault -- ARGS --json`, for so long at most. */
export async function runAlone(args: readonly string[], msMax: number): Promise<Said> {
  const child = spawn(process.execPath, [FAULT, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  const said = text(child.stdout)
  const ended = once(child, 'close').then(() => true)
  if (!(await Promise.race([ended, late(msMax)]))) {
    child.kill('SIGTERM')
    if (!(await Promise.race([ended, late(END_MS)]))) child.kill('SIGKILL')
  }
  const line = (await said).trim().split('\n').at(-1) ?? ''
  running.delete(child)
  return line.startsWith('{') ? (JSON.parse(line) as Said) : undefined
}

const late = (ms: number): Promise<boolean> =>
  new Promise((resolve) => void systemClock.after(ms, () => resolve(false)))

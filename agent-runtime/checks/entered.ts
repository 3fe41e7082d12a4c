/**
 * Checks over the network of a task that has its own: the same questions, asked by a process of the
 * agent's that enters it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CheckSeen, Probe } from '../containerizer/containerizer.ts'
import { wayInto } from '../isolator/entering.ts'
import type { Place } from '../isolator/kill.ts'
import { LAUNCHER_ENV } from '../launcher/launcher.ts'
import type { Attempt } from './attempt.ts'

const PROGRAM = fileURLToPath(new URL('./inside.js', import.meta.url))
/** It says one line. */
const SAID_LENGTH_MAX = 4_096

export type NetworkProbe = Exclude<Probe, { command: unknown }>

export function askInside(
  place: Place,
  probe: NetworkProbe,
  tell: (seen: CheckSeen) => void,
): Attempt {
  let child: ChildProcess
  try {
    const words = [...wayInto(place, 'network'), process.execPath, PROGRAM, JSON.stringify(probe)]
    const [file = '', ...args] = words
    child = spawn(file, args, { cwd: '/', env: LAUNCHER_ENV, stdio: ['ignore', 'pipe', 'ignore'] })
  } catch (error) {
    const why = (error as Error).message
    queueMicrotask(() => tell({ failed: `it could not be run: ${why}` }))
    return { stop: (done) => done() }
  }
  let said = ''
  child.stdout?.on('data', (data: Buffer) => {
    if (said.length < SAID_LENGTH_MAX) said += data.toString()
  })
  child.on('error', ({ message }) => tell({ failed: `it could not be run: ${message}` }))
  child.on('close', () => tell(seenOf(said)))
  return {
    stop(done) {
      child.kill('SIGKILL')
      done()
    },
  }
}

function seenOf(said: string): CheckSeen {
  if (!said.endsWith('\n')) return { failed: 'the network of its task could not be entered' }
  return JSON.parse(said) as CheckSeen
}

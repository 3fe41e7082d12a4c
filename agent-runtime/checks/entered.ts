/**
 * Checks over the network of a task that has its own: the same questions, asked by a process of the
 * agent's that enters it, and the task's cgroups: who asks for the check pays for it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CheckSeen, Probe } from '../containerizer/containerizer.ts'
import { wayInto } from '../isolator/namespaces/entering.ts'
import { LAUNCHER_ENV } from '../launcher/launcher.ts'
import type { Attempt } from './attempt.ts'
import type { CheckPlace } from './command.ts'

const PROGRAM = fileURLToPath(new URL('./inside.js', import.meta.url))
/**
 * The launch file puts words of the task's before these; in a function they go with it. If memory
 * runs out, it is this process that ends, where the kernel may choose.
 */
const SCRIPT = `\
check=yes
read_cgroups() { . /proc/self/fd/3; }
read_cgroups
exec 3<&-
join || exit
echo 1000 >/proc/self/oom_score_adj
exec "$@"`
/** It says one line. */
const SAID_LENGTH_MAX = 4_096

export type NetworkProbe = Exclude<Probe, { command: unknown }>

export function askInside(
  place: CheckPlace,
  probe: NetworkProbe,
  tell: (seen: CheckSeen) => void,
): Attempt {
  let child: ChildProcess
  try {
    child = begin(place, probe)
  } catch (error) {
    queueMicrotask(() => tell({ unmade: (error as Error).message }))
    return { stop: (done) => done() }
  }
  let said = ''
  child.stdout?.on('data', (data: Buffer) => {
    if (said.length < SAID_LENGTH_MAX) said += data.toString()
  })
  child.on('error', ({ message }) => tell({ unmade: message }))
  child.on('close', () => tell(seenOf(said)))
  return {
    stop(done) {
      child.kill('SIGKILL')
      done()
    },
  }
}

function begin(place: CheckPlace, probe: NetworkProbe): ChildProcess {
  const asking = [process.execPath, PROGRAM, JSON.stringify(probe)]
  const args = ['-c', SCRIPT, 'bourse-check', ...wayInto(place, 'network'), ...asking]
  const launch = openSync(place.file, 'r')
  try {
    const stdio = ['ignore', 'pipe', 'ignore', launch] as const
    return spawn('/bin/sh', args, { cwd: '/', env: LAUNCHER_ENV, stdio: [...stdio] })
  } finally {
    closeSync(launch)
  }
}

function seenOf(said: string): CheckSeen {
  if (!said.endsWith('\n')) return { failed: 'the network of its task could not be entered' }
  return JSON.parse(said) as CheckSeen
}

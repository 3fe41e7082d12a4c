/** Is a known bug found by the simulator? */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { again } from '../sim/report.ts'
import type { Outcome } from '../sim/run-seed.ts'
import { describeStrike } from '../sim/strikes.ts'
import type { Look } from './look.ts'

/** As on the command line. */
export interface SimulationFlags {
  readonly seeds: string
  readonly minutes: string
  readonly jobs: string
  readonly shrink: string
  readonly trace: boolean
}

/** `folder`: a copy with the bug, compiled. */
export async function lookInSimulation(
  bug: string,
  folder: string,
  flags: SimulationFlags,
): Promise<Look> {
  const failed = await firstFailure(folder, flags)
  if (failed !== undefined) return { isFound: true, lines: told(bug, failed, flags) }
  return { isFound: false, lines: [`${bug}: NOT FOUND within ${flags.seeds} seeds`] }
}

function told(bug: string, outcome: Outcome, { trace }: SimulationFlags): readonly string[] {
  const { seed, strikes, chances, violation } = outcome
  const planned = strikes.map((strike) => describeStrike(strike))
  const faults = [...planned, ...(chances ?? ['anything by chance'])].join('; ')
  return [
    `${bug}: BUG found at seed ${seed}, FAULT ${faults || 'none'}`,
    `  invariant ${violation?.invariant}`,
    `  at ${((violation?.atMs ?? 0) / 1_000).toFixed(3)} s: ${violation?.what.split('\n')[0]}`,
    ...(trace ? (violation?.trace ?? []).map((line) => `    ${line}`) : []),
    `  again, with the patch: ${again(outcome)}`,
  ]
}

/** Of the first seeds; several run at once, so it need not be the lowest. */
async function firstFailure(
  folder: string,
  { seeds, minutes, jobs, shrink }: SimulationFlags,
): Promise<Outcome | undefined> {
  const simulate = join(folder, 'dist', 'test', 'sim', 'simulate.js')
  const much = ['--seeds', seeds, '--minutes', minutes, '--jobs', jobs, '--shrink', shrink]
  const args = [simulate, ...much, '--json', '--first']
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  let failed: Outcome | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const outcome = JSON.parse(line) as Outcome
    if (!outcome.isOk) failed ??= outcome
  }
  return failed
}

/** Rows and chaos that are interrupted say how far they were, and leave nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { sleep } from '../../bus/clock.ts'
import { leftOf, tracesOf } from '../../tools/left-behind.ts'
import { agentsIn, cgroupsOf } from '../lab/agent-cgroups.ts'

const LOOK_MS = 100

interface Case {
  readonly args: readonly [string, ...string[]]
  readonly signal: NodeJS.Signals
  readonly code: number
  readonly says: RegExp
  /** It is interrupted when its lab has come so far: to its first agents, or all of it. */
  readonly when: 'opening' | 'open'
}

const CASES: readonly Case[] = [
  {
    args: ['faults/fault', 'agent-killed'],
    signal: 'SIGINT',
    code: 130,
    says: /^interrupted by SIGINT: row 4, agent-killed, after \d+ s$/m,
    when: 'open',
  },
  {
    args: ['chaos/chaos', '--seed', '7'],
    signal: 'SIGTERM',
    code: 143,
    says: /^interrupted by SIGTERM: seed 7, after \d+ s of 180 and no summary$/m,
    when: 'opening',
  },
]

for (const { args, signal, code, says, when } of CASES)
  test(`${args.join(' ')} that is interrupted by ${signal} says so and leaves nothing`, async (t) => {
    t.timeout(90_000)
    const [tool, ...flags] = args
    const folder = mkdtempSync(join(tmpdir(), 'bourse-interrupted-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const path = fileURLToPath(new URL(`../${tool}.js`, import.meta.url))
    const child = spawn(process.execPath, [path, ...flags], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const said = text(child.stderr)
    const agents = () => labsIn(folder).flatMap(agentsIn)
    // No task has begun: where an agent has none, no process is in the cgroups that it has made.
    const isThere = () => agents().length > 1 && (when === 'opening' || hasFramework(folder))
    while (!isThere() && child.exitCode === null) await sleep(LOOK_MS)
    const traces = tracesOf([folder])
    t.true(traces.processes.length > 4)
    const known = agents()
    child.kill(signal)
    t.deepEqual(await once(child, 'exit'), [code, null])
    t.regex(await said, says)
    t.deepEqual(
      known.flatMap(([agentId, workDir]) => cgroupsOf(agentId, workDir)),
      [],
    )
    t.deepEqual(
      leftOf(traces).filter((line) => line !== `folder ${folder}`),
      [],
    )
    t.deepEqual(readdirSync(folder), [])
  })

/** In the folder, or in that of a row. */
function labsIn(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return name.startsWith('bourse-lab-')
      ? [path]
      : name.startsWith('bourse-fault-')
        ? labsIn(path)
        : []
  })
}

/** It is the last that the lab of a row starts. */
const hasFramework = (folder: string): boolean =>
  labsIn(folder).some((lab) => existsSync(join(lab, 'steady')))

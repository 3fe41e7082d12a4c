/** An agent of a lab: its launcher can be found, and its machine rebooted, or something like it. */

import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { sleep } from '../../bus/clock.ts'
import { tracesOf } from '../../tools/left-behind.ts'
import type { LabAgent } from './contract.ts'
import { type ProcessOptions, RealProcess } from './lab-process.ts'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

/** Runs `argv` where the machine's boot id is what stands in the file. Its pid is the process's. */
export function withBootId(path: string, argv: readonly string[]): readonly string[] {
  newBootId(path)
  const script = `mount --bind "$0" ${BOOT_ID} && exec "$@"`
  return ['unshare', '--mount', 'sh', '-c', script, path, ...argv]
}

const newBootId = (path: string): void => writeFileSync(path, `${randomUUID()}\n`)

export interface AgentOptions extends ProcessOptions {
  readonly resources: string
  /** A file of `withBootId`. Absent: it cannot be rebooted. */
  readonly bootIdPath?: string
}

export class RealAgent extends RealProcess implements LabAgent {
  readonly resources: string
  readonly #bootIdPath: string | undefined

  constructor(options: AgentOptions) {
    super(options)
    this.resources = options.resources
    this.#bootIdPath = options.bootIdPath
  }

  launcherPid(): number {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim()
    const pid = children.split(' ').find((child) => commandOf(child).includes('launcher'))
    if (pid === undefined) throw new Error(`${this.name} has no launcher`)
    return Number(pid)
  }

  async reboot(): Promise<void> {
    if (this.#bootIdPath === undefined) throw new Error(`${this.name} was opened without a boot id`)
    if (this.isRunning) await this.kill()
    // All that runs there has one of its folders in the environment or on the command line.
    const folders = [`${this.workDir}/`, `${this.workDir}.state`]
    for (let left = tracesOf(folders).processes; left.length > 0; ) {
      for (const one of left) killPid(Number.parseInt(one, 10))
      await sleep(LOOK_MS)
      left = tracesOf(folders).processes
    }
    newBootId(this.#bootIdPath)
    await this.start()
  }
}

const LOOK_MS = 20

function killPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended with the one before.
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It ended between two looks.
    return ''
  }
}

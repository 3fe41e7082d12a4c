/** A framework of a lab: a process that may be killed, and a folder that remembers. */
import { mkdirSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FrameworkOptions, HeardStatus, LabFramework, LabProcess } from './contract.ts'
import { CONFIG, type FrameworkConfig, Journal } from './journal.ts'
import { type ProcessOptions, RealProcess } from './lab-process.ts'

const PROGRAM = fileURLToPath(new URL('./framework-process.js', import.meta.url))

export const frameworkArgv = (folder: string): readonly string[] => [
  process.execPath,
  PROGRAM,
  folder,
]

/** An instance that leads no more has left it to another one. */
const LEFT = 75

export class RealFramework extends RealProcess implements LabFramework {
  readonly folder: string
  readonly instances: RealProcess[] = []
  readonly #journal: Journal
  #isDone = false

  constructor(options: ProcessOptions, wanted: FrameworkOptions) {
    super(options)
    this.folder = options.workDir
    mkdirSync(this.folder, { recursive: true })
    const config: FrameworkConfig = {
      ...wanted,
      folder: this.folder,
      frameworkId: wanted.name,
      secret: `the secret of ${wanted.name}`,
    }
    writeFileSync(join(this.folder, CONFIG), JSON.stringify(config))
    this.#journal = new Journal(this.folder)
  }

  /** It has ended by itself, when all its tasks had. */
  get isDone(): boolean {
    return this.#isDone
  }

  override async start(): Promise<void> {
    await super.start()
    void this.ended.then((code) => {
      if (code === 0) this.#isDone = true
    })
  }

  statuses(): readonly HeardStatus[] {
    return this.#journal.statuses()
  }

  launched(): readonly string[] {
    return this.#journal.entries().flatMap((entry) => (entry.do === 'launch' ? [entry.taskId] : []))
  }

  holder(): LabProcess {
    const ledSince = ({ isRunning, lines }: LabProcess): number => {
      const leads = lines.find(({ message }) => message === 'leads')
      return isRunning ? Number(leads?.['atMs'] ?? 0) : -1
    }
    return this.#processes().reduce((a, b) => (ledSince(b) > ledSince(a) ? b : a))
  }

  async drain(): Promise<void> {
    const running = this.#processes().filter(({ isRunning }) => isRunning)
    for (const { pid } of running) process.kill(pid, 'SIGUSR2')
    const codes = await Promise.all(running.map(({ ended }) => ended))
    if (!codes.includes(0) || codes.some((code) => code !== 0 && code !== LEFT))
      throw new Error(`${this.name} ended with ${codes.join(', ')} before all its tasks had`)
    this.#isDone = true
  }

  #processes(): readonly RealProcess[] {
    return [this, ...this.instances]
  }

  reaches(isThere: (all: readonly HeardStatus[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watcher = watch(this.folder, () => look())
      const look = (): void => {
        if (!isThere(this.statuses())) return
        watcher.close()
        resolve()
      }
      look()
    })
  }
}

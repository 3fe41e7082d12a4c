/** A framework of a lab: a process that may be killed, and a folder that remembers. */
import { existsSync, mkdirSync, watch, writeFileSync } from 'node:fs'
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

export class RealFramework extends RealProcess implements LabFramework {
  readonly folder: string
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

  async drain(): Promise<void> {
    process.kill(this.pid, 'SIGUSR2')
    const code = await this.ended
    if (code !== 0) throw new Error(`${this.name} ended with ${code} before all its tasks had`)
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

/** Another process of the same framework. */
export function instanceOf(framework: LabFramework, options: ProcessOptions): LabProcess {
  if (!existsSync(join(framework.folder, CONFIG))) throw new Error(`${framework.name} is gone`)
  return new RealProcess(options)
}

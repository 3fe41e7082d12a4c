/** What a framework of the lab writes down, so that a killed one goes on, and others can look. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ending, FrameworkOptions, HeardStatus } from './contract.ts'

/** Before it is accepted. */
export interface Launched {
  readonly do: 'launch'
  readonly taskId: string
  readonly agentId: string
  /** Those of one group have the same. */
  readonly group?: string
  readonly ending: Ending
  /** Until its end; of one that is to be killed: from its first status until the kill. */
  readonly runMs: number
  /** It runs until it is killed. */
  readonly isKilled: boolean
  readonly atMs: number
}

export type Entry =
  | Launched
  /** The leader refused the accept, or passed the task over: it was never launched. */
  | { readonly do: 'refuse'; readonly taskId: string; readonly why: string }
  | { readonly do: 'kill'; readonly taskId: string; readonly atMs: number }
  /** Nobody knows it, long after the accept that was not answered. */
  | { readonly do: 'give-up'; readonly taskId: string }

/** What its process is started with. */
export interface FrameworkConfig extends FrameworkOptions {
  readonly folder: string
  readonly frameworkId: string
  readonly secret: string
}

export const CONFIG = 'config.json'

export class Journal {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    for (const name of ['starts', 'ends']) mkdirSync(join(folder, name), { recursive: true })
  }

  entries(): readonly Entry[] {
    return jsonLines<Entry>(join(this.folder, 'journal'))
  }

  statuses(): readonly HeardStatus[] {
    return jsonLines<HeardStatus>(join(this.folder, 'statuses'))
  }

  write(entries: readonly Entry[]): void {
    append(join(this.folder, 'journal'), entries)
  }

  hear(status: HeardStatus): void {
    append(join(this.folder, 'statuses'), [status])
  }

  /** One line for each time that the task's command has begun. */
  startsPath(taskId: string): string {
    return join(this.folder, 'starts', taskId)
  }

  /** Written by the task itself, right before it ends by itself. */
  endsPath(taskId: string): string {
    return join(this.folder, 'ends', taskId)
  }
}

function append(path: string, values: readonly object[]): void {
  appendFileSync(path, values.map((value) => `${JSON.stringify(value)}\n`).join(''))
}

/** The last line may be on its way, or torn where its writer was killed. */
function jsonLines<Value>(path: string): readonly Value[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line): Value[] => {
      try {
        return line === '' ? [] : [JSON.parse(line)]
      } catch {
        // Torn: it was not acted on, since what is written is written before.
        return []
      }
    })
}

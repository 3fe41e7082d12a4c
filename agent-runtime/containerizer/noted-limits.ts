/** Limits that tasks were ended for: written down before the kill, for a later agent to tell. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LimitHit } from '../isolator/hold.ts'
import { readText } from '../isolator/proc.ts'

export class NotedLimits {
  readonly #path: string
  readonly #noted: Set<string>

  constructor(path: string) {
    this.#path = path
    mkdirSync(path, { recursive: true })
    this.#noted = new Set(readdirSync(path))
  }

  note(containerId: string, hit: LimitHit): void {
    try {
      this.#noted.add(containerId)
      writeFileSync(join(this.#path, containerId), JSON.stringify(hit))
    } catch {
      // The disk is full: if this agent dies, the next one sees only by what signal it ended.
    }
  }

  of(containerId: string): LimitHit | undefined {
    if (!this.#noted.has(containerId)) return undefined
    try {
      return JSON.parse(readText(join(this.#path, containerId)) ?? '') as LimitHit
    } catch {
      // The disk was full when it was written.
      return undefined
    }
  }

  forget(containerId: string): void {
    if (this.#noted.delete(containerId)) rmSync(join(this.#path, containerId), { force: true })
  }
}

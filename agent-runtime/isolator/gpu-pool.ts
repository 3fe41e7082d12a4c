/** The GPUs of a machine, by number, and which container has which. */
import { strict as assert } from 'node:assert'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DeviceNumber } from './cgroups/device-lists.ts'

/** Without these no GPU can be used; they are no GPU by themselves. */
const BESIDE = ['nvidiactl', 'nvidia-uvm', 'nvidia-uvm-tools', 'nvidia-modeset']

/** Numbers of the GPUs that the folder of devices shows, in order. */
export function findGpus(devPath = '/dev'): readonly number[] {
  return namesIn(devPath)
    .map((name) => /^nvidia(\d+)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** Who has which. */
export class GpuPool {
  readonly all: readonly number[]
  readonly #devPath: string
  readonly #takers = new Map<number, string>()

  constructor(devPath = '/dev') {
    this.#devPath = devPath
    this.all = findGpus(devPath)
  }

  /** Of those that are there: a task may have one that has gone. */
  get free(): number {
    return this.#untaken().length
  }

  /** `count`: at most as many as are free. @returns their numbers. */
  take(containerId: string, count: number): readonly number[] {
    const taken = this.#untaken().slice(0, count)
    assert(taken.length === count, 'no more GPUs are taken than are free')
    for (const gpu of taken) this.#takers.set(gpu, containerId)
    return taken
  }

  /** It has them since before this agent started. */
  keep(containerId: string, gpus: readonly number[]): void {
    for (const gpu of gpus) this.#takers.set(gpu, containerId)
  }

  takenBy(containerId: string): readonly number[] {
    return this.all.filter((gpu) => this.#takers.get(gpu) === containerId)
  }

  /** May be repeated. */
  release(containerId: string): void {
    for (const [gpu, taker] of this.#takers) if (taker === containerId) this.#takers.delete(gpu)
  }

  /** What a task with these may open. One that has gone meanwhile is left out. */
  devicesOf(gpus: readonly number[]): readonly DeviceNumber[] {
    if (gpus.length === 0) return []
    const names = [...gpus.map((gpu) => `nvidia${gpu}`), ...BESIDE]
    return names.flatMap((name) => deviceNumber(join(this.#devPath, name)) ?? [])
  }

  #untaken(): readonly number[] {
    return this.all.filter((gpu) => !this.#takers.has(gpu))
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    // No such folder: no such devices.
    return []
  }
}

function deviceNumber(path: string): DeviceNumber | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || !found.isCharacterDevice()) return undefined
  const { rdev } = found
  // As the C library takes it apart: twelve bits and twenty, of 32.
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) }
}

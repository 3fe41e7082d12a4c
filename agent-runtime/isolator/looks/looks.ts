/** When those that run are looked at for what nobody tells. While none runs, nobody looks. */
import type { Clock, Timer } from '../../../bus/clock.ts'
import type { LimitHit } from '../hold.ts'
import { readSpace } from './disk-filler.ts'
import { DiskLooks } from './disk-looks.ts'
import type { LookedAt } from './looked-at.ts'
import { Looker } from './looker.ts'
import { PortLooks } from './port-looks.ts'

/** Source: Mesos, `--container_ports_watch_interval`. */
const PORTS_LOOK_MS = 30_000
/** How often is looked who is due. */
const TICK_MS = 250
/** How soon a limit is seen that the kernel tells nobody of (v1), and a disk that fills. */
const LIMITS_LOOK_TICKS = 4
/** Containers that are looked at before others have their turn. */
const LOOKED_AT_ONCE = 50

export interface LooksOptions {
  readonly clock: Clock
  /** Of the disk that the sandboxes are on. */
  readonly path: string
  /** Who listens where it may not is ended. Else `onStrangePorts` is told. */
  readonly endsForPorts: boolean
  /** Default 30 s. */
  readonly portsLookMs?: number | undefined
  readonly onStrangePorts: (containerId: string, hit: LimitHit) => void
}

export class Looks {
  readonly #clock: Clock
  readonly #looker = new Looker()
  readonly #disk: DiskLooks
  readonly #ports: PortLooks
  readonly #all = new Map<string, LookedAt>()
  #timer: Timer | undefined
  readonly #portsLookTicks: number
  #ticks = 0

  constructor({ clock, path, endsForPorts, portsLookMs, onStrangePorts }: LooksOptions) {
    this.#clock = clock
    this.#portsLookTicks = Math.max(1, Math.round((portsLookMs ?? PORTS_LOOK_MS) / TICK_MS))
    const looker = this.#looker
    this.#disk = new DiskLooks({ clock, looker, readSpace: () => readSpace(path) })
    this.#ports = new PortLooks({ looker, ends: endsForPorts, onStrange: onStrangePorts })
  }

  /** It runs now. `isNew`: since this moment, and not since an earlier agent's time. */
  add(container: LookedAt, isNew: boolean): void {
    this.#all.set(container.id, container)
    this.#disk.add(container, isNew)
    this.#ports.add(container)
    this.#tickLater()
  }

  /** It does not run any more. */
  forget(containerId: string): void {
    this.#all.delete(containerId)
    this.#disk.forget(containerId)
    this.#ports.forget(containerId)
  }

  /** What its sandbox takes now; undefined: nobody can say. */
  diskBytes(containerId: string): Promise<number | undefined> {
    return this.#disk.measure(containerId)
  }

  close(): void {
    this.#all.clear()
    this.#timer?.cancel()
    this.#looker.close()
  }

  #tickLater(): void {
    this.#timer ??= this.#clock.after(TICK_MS, () => {
      this.#timer = undefined
      if (this.#all.size === 0) return
      this.#tick()
      this.#tickLater()
    })
  }

  #tick(): void {
    this.#ticks += 1
    this.#disk.tick()
    if (this.#ticks % LIMITS_LOOK_TICKS === 0) {
      void this.#disk.lookAtSpace()
      void this.#lookAtLimits()
    }
    if (this.#ticks % this.#portsLookTicks === 0) void this.#ports.look()
  }

  async #lookAtLimits(): Promise<void> {
    const watched = [...this.#all.values()].filter(({ needsLook }) => needsLook)
    for (const [index, container] of watched.entries()) {
      if (index % LOOKED_AT_ONCE === LOOKED_AT_ONCE - 1) await this.#breathe()
      container.lookAtLimits()
    }
  }

  #breathe(): Promise<void> {
    return new Promise((resolve) => this.#clock.soon(resolve))
  }
}

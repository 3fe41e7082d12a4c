/** Looks on which ports tasks listen, all of them at once, and tells what is new. */
import type { LimitHit } from '../hold.ts'
import { portsHit, strangePorts } from '../ports.ts'
import { holdOf, type LookedAt } from './looked-at.ts'
import type { Looker } from './looker.ts'

export interface PortLooksOptions {
  readonly looker: Looker
  /** Whoever listens where it may not is ended. Else it is told. */
  readonly ends: boolean
  readonly onStrange: (containerId: string, hit: LimitHit) => void
}

export class PortLooks {
  readonly #options: PortLooksOptions
  readonly #all = new Map<string, LookedAt>()
  /** Of each container the ports that were told, as text. */
  readonly #told = new Map<string, string>()
  #isLooking = false

  constructor(options: PortLooksOptions) {
    this.#options = options
  }

  add(container: LookedAt): void {
    if (holdOf(container, 'ports') !== undefined) this.#all.set(container.id, container)
  }

  forget(containerId: string): void {
    this.#all.delete(containerId)
    this.#told.delete(containerId)
  }

  async look(): Promise<void> {
    if (this.#isLooking || this.#all.size === 0) return
    this.#isLooking = true
    const places = [...this.#all].flatMap(([id, { place }]) =>
      typeof place === 'object' ? [[id, place] as const] : [],
    )
    const found = await this.#options.looker.ports({ places })
    this.#isLooking = false
    const listening = new Map<string, number[]>()
    for (const { containerId, port } of found ?? []) {
      const ports = listening.get(containerId)
      if (ports === undefined) listening.set(containerId, [port])
      else ports.push(port)
    }
    for (const [containerId, ports] of listening) this.#judge(containerId, ports)
  }

  /** What was told once is told again when it is another. */
  #judge(containerId: string, listening: readonly number[]): void {
    const container = this.#all.get(containerId)
    const hold = container && holdOf(container, 'ports')
    if (container === undefined || hold === undefined) return
    const strange = strangePorts(hold, listening)
    const spelled = strange.join()
    if (strange.length === 0 || this.#told.get(containerId) === spelled) return
    this.#told.set(containerId, spelled)
    const { ends, onStrange } = this.#options
    const hit = portsHit(hold, strange, ends)
    if (ends) container.limited(hit)
    else onStrange(containerId, hit)
  }
}

/** Between an actor and its server: what a network does, in both directions or in one. */
import type { Direction, Proxy, ProxySettings } from '../lab/contract.ts'
import type { Dice } from './dice.ts'
import { affectedBy, type FaultKind, processOf, type Scope, seconds } from './fault.ts'

const CUT_MS: readonly [number, number] = [100, 20_000]
const BAD_MS: readonly [number, number] = [500, 10_000]
const DIRECTIONS: readonly Direction[] = ['both', 'both', 'out', 'in']

const actors = ({ masters, agents, allocators, frameworks }: Scope): readonly string[] => [
  ...masters,
  ...agents,
  ...agents,
  ...allocators,
  ...frameworks,
]

interface Bad {
  readonly kind: string
  readonly weight: number
  readonly lastsMs: readonly [number, number]
  /** What is done to the link, and how it is called. */
  readonly begin: (dice: Dice) => { readonly what: string; readonly to: (link: Proxy) => void }
}

const set = (what: string, settings: ProxySettings) => ({
  what,
  to: (link: Proxy) => link.set(settings),
})

const BADS: readonly Bad[] = [
  {
    kind: 'cut',
    weight: 4,
    lastsMs: CUT_MS,
    begin(dice) {
      const direction = dice.pick(DIRECTIONS)
      return { what: `cut (${direction})`, to: (link) => link.cut(direction) }
    },
  },
  {
    kind: 'refuse',
    weight: 1,
    lastsMs: BAD_MS,
    begin: () => ({ what: 'refused', to: (link) => link.refuse() }),
  },
  {
    kind: 'delay',
    weight: 2,
    lastsMs: BAD_MS,
    begin(dice) {
      const delayMs = Math.round(dice.between(20, 500))
      return set(`delayed by ${delayMs} ms`, { delayMs, jitterMs: delayMs })
    },
  },
  {
    kind: 'drop',
    weight: 2,
    lastsMs: BAD_MS,
    begin: (dice) => set('losing messages', { dropPart: dice.between(0.02, 0.3) }),
  },
  {
    kind: 'silence',
    weight: 1,
    lastsMs: BAD_MS,
    begin: () => set('losing all messages, without a disconnect', { dropPart: 1 }),
  },
  {
    kind: 'duplicate',
    weight: 2,
    lastsMs: BAD_MS,
    begin: (dice) => set('repeating messages', { duplicatePart: dice.between(0.1, 1) }),
  },
  {
    kind: 'hang-up',
    weight: 1,
    lastsMs: [10, 100],
    begin: () => ({ what: 'hung up', to: (link) => link.hangUp() }),
  },
  {
    kind: 'mid-frame',
    weight: 1,
    lastsMs: [1_000, 2_000],
    begin(dice) {
      const direction = dice.pick(['in', 'out'] as const)
      return {
        what: `cut in a message (${direction})`,
        to: (link) => link.cutMidFrame(direction),
      }
    },
  },
]

const links: readonly FaultKind[] = BADS.map(({ kind, weight, lastsMs, begin }) => ({
  kind,
  weight,
  draw(dice, scope) {
    const name = dice.pick(actors(scope))
    const { what, to } = begin(dice)
    const ms = dice.span(...lastsMs)
    return {
      kind,
      what: `${name} is ${what} for ${seconds(ms)}`,
      targets: [name],
      affected: affectedBy(name, scope),
      withinMs: 20_000,
      async strike({ lab, sleep }) {
        const { link } = processOf(lab, name)
        if (link === undefined) throw new Error(`${name} has no proxy`)
        to(link)
        await sleep(ms)
        link.heal()
      },
    }
  },
}))

/** What the kernel drops is not lost: it comes late, when the network is whole again. */
const packets: FaultKind = {
  kind: 'packets',
  weight: 3,
  needs: 'wires',
  draw(dice, scope) {
    const name = dice.pick(actors(scope))
    const direction = dice.pick(DIRECTIONS)
    const ms = dice.span(...CUT_MS)
    return {
      kind: 'packets',
      what: `packets of ${name} are dropped (${direction}) for ${seconds(ms)}`,
      targets: [name],
      affected: affectedBy(name, scope),
      withinMs: 20_000,
      async strike({ lab, sleep }) {
        const { wire } = processOf(lab, name)
        if (wire === undefined) throw new Error(`${name} has no network of its own`)
        await wire.cut(direction)
        await sleep(ms)
        await wire.heal()
      },
    }
  },
}

export const NETWORK_FAULTS: readonly FaultKind[] = [...links, packets]

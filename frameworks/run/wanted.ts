/** What one instance takes of an offer, and what an offer lacks for one. */
import { countRanges, type Range, type Ranges } from '../../protocol/ranges.ts'
import {
  type Quantity,
  type Resources,
  rangesOf,
  scalarOf,
  subtractResources,
} from '../../protocol/resources.ts'
import { fromThousandths } from '../../protocol/scalar.ts'

/** What each instance needs. */
export interface Wanted {
  /** By name, in thousandths, each > 0. */
  readonly scalars: ReadonlyMap<string, number>
  /** So many ports, any. */
  readonly ports: number
}

/** A resource of which there is too little; in thousandths, ports too. */
export interface Lack {
  readonly name: string
  readonly wanted: number
  readonly offered: number
}

/** What of `free` one instance takes, and what is left; undefined: it does not fit. */
export function takeOne(
  free: Resources,
  { scalars, ports }: Wanted,
): { readonly taken: Resources; readonly left: Resources } | undefined {
  const taken = new Map<string, Quantity>()
  for (const [name, thousandths] of scalars)
    if (!takeScalar(free, { name, thousandths }, taken)) return undefined
  if (!takePorts(free, ports, taken)) return undefined
  const left = subtractResources(free, taken)
  return left && { taken, left }
}

/** Special disks and what can be taken back are not for whoever does not ask for them. */
const isPlain = ({ traits }: Quantity): boolean =>
  traits.disk === undefined && !traits.shared && !traits.revocable

/** Takes it of several entries if need be: what is reserved and what is not are apart. */
function takeScalar(
  free: Resources,
  { name, thousandths }: { readonly name: string; readonly thousandths: number },
  taken: Map<string, Quantity>,
): boolean {
  let missing = thousandths
  for (const [key, quantity] of free) {
    const { traits, amount } = quantity
    if (traits.name !== name || amount.kind !== 'scalar' || !isPlain(quantity)) continue
    const part = Math.min(missing, amount.thousandths)
    if (part === 0) break
    taken.set(key, { traits, amount: { kind: 'scalar', thousandths: part } })
    missing -= part
  }
  return missing === 0
}

/** Takes the lowest ones. */
function takePorts(free: Resources, count: number, taken: Map<string, Quantity>): boolean {
  let missing = count
  for (const [key, quantity] of free) {
    const { traits, amount } = quantity
    if (traits.name !== 'ports' || amount.kind !== 'ranges' || !isPlain(quantity)) continue
    const ranges = firstOf(amount.ranges, missing)
    if (ranges.length === 0) break
    taken.set(key, { traits, amount: { kind: 'ranges', ranges } })
    missing -= countRanges(ranges)
  }
  return missing === 0
}

function firstOf(ranges: Ranges, count: number): Ranges {
  const first: Range[] = []
  let missing = count
  for (const [begin, end] of ranges) {
    if (missing === 0) break
    const last = Math.min(end, begin + missing - 1)
    first.push([begin, last])
    missing -= last - begin + 1
  }
  return first
}

/** How much of each wanted resource there is for who asks for plain ones, in thousandths. */
export function amountsOf(all: Resources, { scalars, ports }: Wanted): readonly Lack[] {
  const offered = new Map([...all].filter(([, quantity]) => isPlain(quantity)))
  const amounts = [...scalars].map(([name, wanted]) => ({
    name,
    wanted,
    offered: scalarOf(offered, name),
  }))
  if (ports === 0) return amounts
  const offeredPorts = countRanges(rangesOf(offered, 'ports'))
  return [...amounts, { name: 'ports', wanted: ports * 1000, offered: offeredPorts * 1000 }]
}

export const isLacking = ({ wanted, offered }: Lack): boolean => offered < wanted

/** The ports among what was taken, the first one first. */
export function portsOf(taken: Resources): readonly number[] {
  return rangesOf(taken, 'ports').flatMap(([begin, end]) =>
    Array.from({ length: end - begin + 1 }, (_, i) => begin + i),
  )
}

/** `cpus 1000 wanted, 4 offered`. */
export function describeLack({ name, wanted, offered }: Lack): string {
  return `${name} ${fromThousandths(wanted)} wanted, ${fromThousandths(offered)} offered`
}

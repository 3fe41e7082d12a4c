/**
 * The plan of a run's faults: drawn from the seed before anything happens, as a list that can be
 * repeated with some left out.
 */
import { Chance } from './chance.ts'

const WEIGHTS = {
  crash: 30,
  'crash-midway': 22,
  'long-absence': 4,
  'left-alone': 4,
  reboot: 4,
  'power-loss': 4,
  stop: 5,
  freeze: 12,
  'late-leaving': 6,
  disconnect: 10,
  partition: 7,
  'one-way-partition': 6,
  'server-restart': 4,
  'bad-bus': 8,
  'good-bus': 6,
  'clock-rate': 4,
  'wall-jump': 4,
  'full-disk': 4,
  'silent-disk': 3,
  'lost-disk': 2,
  teardown: 2,
  'gone-for-good': 3,
  'store-lost': 2,
  'store-goes-back': 3,
} as const
export type StrikeKind = keyof typeof WEIGHTS

export type Kind = 'master' | 'allocator' | 'agent' | 'framework'
/** By whom they hit, masters and frameworks are as likely as all agents together. */
const VICTIMS = { master: 30, allocator: 8, agent: 36, framework: 26 } as const
const KINDS = Object.keys(VICTIMS) as readonly Kind[]

/** Counted by the kind of actor that they hit. */
const BY_KIND: readonly StrikeKind[] = ['crash', 'crash-midway', 'freeze', 'disconnect']
/** Only kinds of actors that have what they take. */
const ONLY: Partial<Record<StrikeKind, readonly Kind[]>> = {
  reboot: ['agent'],
  'power-loss': ['agent'],
  'full-disk': ['agent', 'agent', 'master'],
  'silent-disk': ['master'],
  'gone-for-good': ['agent'],
  'lost-disk': ['master'],
  teardown: ['framework'],
  'left-alone': ['framework'],
}
const OF_THE_BUS: readonly StrikeKind[] = [
  'partition',
  'one-way-partition',
  'server-restart',
  'bad-bus',
  'good-bus',
  'store-lost',
  'store-goes-back',
]

/** The bus's stores forget something. */
const LOSSES: readonly StrikeKind[] = ['store-lost', 'store-goes-back']

export interface Victim {
  readonly name: string
  readonly kind: Kind
}

/** One fault, as planned: what becomes of it depends on what is there when its time has come. */
export interface Strike {
  /** Its place in the whole plan, by which it is kept or left out. */
  readonly index: number
  readonly atMs: number
  readonly kind: StrikeKind
  /** Names of actors; nobody: it concerns the server. */
  readonly whom: readonly string[]
  /** The calm ends it if it is longer. */
  readonly forMs: number
}

/** Every name under which a strike is counted. */
export const STRIKE_NAMES: readonly string[] = (Object.keys(WEIGHTS) as StrikeKind[]).flatMap(
  (kind) => (BY_KIND.includes(kind) ? KINDS.map((whom) => `${kind} ${whom}`) : [kind]),
)

export const nameOf = (kind: StrikeKind, victim: Victim | undefined): string =>
  BY_KIND.includes(kind) && victim !== undefined ? `${kind} ${victim.kind}` : kind

const MEAN_PAUSE_MS = 2_500

/** All of a seed's strikes before `calmFromMs`; the first is how good the bus is at the start. */
export function drawStrikes(
  seed: number,
  calmFromMs: number,
  victims: readonly Victim[],
): readonly Strike[] {
  const chance = new Chance(seed, 'plan')
  const first = chance.pick(['good-bus', 'bad-bus', 'bad-bus'] as const)
  const strikes: Strike[] = [{ index: 0, atMs: 0, kind: first, whom: [], forMs: 0 }]
  // The only master whose disk is ever lost: never are all.
  const unlucky = chance.pick(victims.filter(({ kind }) => kind === 'master')).name
  let atMs = chance.waitMs(MEAN_PAUSE_MS)
  while (atMs < calmFromMs) {
    const kind = chance.weighted(WEIGHTS)
    const whom = kind === 'lost-disk' ? [unlucky] : whomOf(kind, victims, chance)
    strikes.push({ index: strikes.length, atMs, kind, whom, forMs: LASTS[kind]?.(chance) ?? 0 })
    atMs += chance.waitMs(MEAN_PAUSE_MS)
  }
  return spareCopies(strikes, victims)
}

/** A copy of the registry is safe so long after it was there, and in use so long after a loss. */
const SETTLED_MS = 12_000

/**
 * What the store has lost is in the copies of the masters. Who has the newest must be there, so
 * near a loss nothing else happens to masters: to lose all of its copies is not promised to do no
 * harm.
 */
function spareCopies(strikes: readonly Strike[], victims: readonly Victim[]): readonly Strike[] {
  const masters = victims.filter(({ kind }) => kind === 'master').map(({ name }) => name)
  const losses = strikes.filter(({ kind }) => LOSSES.includes(kind))
  const isNear = ({ atMs, forMs }: Strike, loss: Strike): boolean =>
    atMs + forMs > loss.atMs - SETTLED_MS && atMs < loss.atMs + loss.forMs + SETTLED_MS
  return strikes.filter((strike) => {
    const { kind, whom, atMs } = strike
    const isFirst = losses.find((loss) => isNear(strike, loss)) === strike
    if (LOSSES.includes(kind)) return isFirst
    const concerns = kind === 'server-restart' || whom.some((name) => masters.includes(name))
    if (!concerns && (kind !== 'bad-bus' || atMs === 0)) return true
    return !losses.some((loss) => isNear(strike, loss))
  })
}

function whomOf(kind: StrikeKind, victims: readonly Victim[], chance: Chance): readonly string[] {
  if (kind === 'partition' || kind === 'one-way-partition') {
    const share = chance.between(0.1, 0.6)
    return victims.filter(() => chance.happens(share)).map(({ name }) => name)
  }
  if (OF_THE_BUS.includes(kind)) return []
  const kinds = ONLY[kind]
  const of = kinds === undefined ? chance.weighted(VICTIMS) : chance.pick(kinds)
  return [chance.pick(victims.filter((victim) => victim.kind === of)).name]
}

type Lasts = (chance: Chance) => number

const onAverage =
  (meanMs: number): Lasts =>
  (chance) =>
    chance.waitMs(meanMs)
const within =
  (fromMs: number, toMs: number): Lasts =>
  (chance) =>
    chance.between(fromMs, toMs)
/** Most are short. */
const mostly =
  (part: number, short: Lasts, long: Lasts): Lasts =>
  (chance) =>
    chance.happens(part) ? short(chance) : long(chance)

/** Longer, no disk says nothing. */
export const SILENT_DISK_MS_MAX = 40_000

const STILL = mostly(0.8, onAverage(2_000), within(5_000, 30_000))
const CUT_OFF = mostly(0.7, onAverage(3_000), within(10_000, 30_000))
const LASTS: Partial<Record<StrikeKind, Lasts>> = {
  crash: onAverage(1_500),
  'crash-midway': onAverage(1_500),
  'server-restart': onAverage(1_500),
  'long-absence': within(18_000, 45_000),
  'left-alone': within(25_000, 90_000),
  reboot: within(500, 8_000),
  'power-loss': within(500, 8_000),
  stop: within(100, 3_000),
  'lost-disk': within(100, 3_000),
  freeze: STILL,
  'late-leaving': STILL,
  disconnect: onAverage(1_000),
  partition: CUT_OFF,
  'one-way-partition': CUT_OFF,
  'full-disk': onAverage(4_000),
  'silent-disk': mostly(0.6, onAverage(4_000), within(12_000, SILENT_DISK_MS_MAX)),
  'gone-for-good': within(2_000, 15_000),
  'store-lost': onAverage(1_500),
  'store-goes-back': within(500, 20_000),
}

/** In words, as `17 at 12.345 s: freeze master-2 for 4.1 s`. */
export function describeStrike({ index, atMs, kind, whom, forMs }: Strike): string {
  const who = whom.length === 0 ? '' : ` ${whom.join(' ')}`
  const long = forMs === 0 ? '' : ` for ${(forMs / 1_000).toFixed(1)} s`
  return `${index} at ${(atMs / 1_000).toFixed(3)} s: ${kind}${who}${long}`
}

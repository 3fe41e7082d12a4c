/** The order in which all connections of a system go round its servers. */
import { randomFraction } from '../random.ts'

/** Systems begin anywhere, and those who lose one server do not all go to the same next. */
export function anyRound(servers: readonly string[]): readonly string[] {
  const placed = servers.map((server) => ({ server, place: randomFraction() }))
  return placed.toSorted((a, b) => a.place - b.place).map(({ server }) => server)
}

/** The same round, begun at one of it. */
export function roundFrom(round: readonly string[], server: string): readonly string[] {
  const at = round.indexOf(server)
  return [...round.slice(at), ...round.slice(0, at)]
}

/** The same round, in which one of it comes last. */
export function roundAfter(round: readonly string[], server: string): readonly string[] {
  const [first = server, ...others] = roundFrom(round, server)
  return [...others, first]
}

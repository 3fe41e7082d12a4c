/** Ports: who listens where it was not given the port is found, as nothing here can forbid it. */
import type { LimitHit, PortsHold } from './hold.ts'
import type { Isolator } from './isolator.ts'

/** A task may listen on thousands: so many are named. */
const NAMED_MAX = 10

export const portsIsolator: Isolator = {
  name: 'ports',
  open: () => ({
    works: { prepare: ({ ports }) => ports && { hold: { isolator: 'ports', ports } } },
    missing: [],
  }),
}

/** Of those that it listens on, the ones that it was not given, each once, lowest first. */
export function strangePorts(
  { ports }: PortsHold,
  listening: readonly number[],
): readonly number[] {
  const given = new Set(ports)
  return [...new Set(listening)].filter((port) => !given.has(port)).sort((a, b) => a - b)
}

/** `strange`: at least one. */
export function portsHit(
  { ports }: PortsHold,
  strange: readonly number[],
  ends: boolean,
): LimitHit {
  const given = ports.length === 0 ? 'it was given none' : `it was given ${named(ports)}`
  const message = `it listens on ${strange.length === 1 ? 'port' : 'ports'} ${named(strange)}; ${given}`
  return { reason: 'CONTAINER_LIMITATION_PORTS', message, ends }
}

function named(ports: readonly number[]): string {
  const shown = ports.slice(0, NAMED_MAX).join(', ')
  return ports.length > NAMED_MAX ? `${shown} and ${ports.length - NAMED_MAX} more` : shown
}

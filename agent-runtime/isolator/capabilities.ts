/** What of root's rights a task has, by setpriv(1). */
import { LINUX_CAPABILITIES } from '../../protocol/linux.ts'
import type { Isolator } from './isolator.ts'
import { readText } from './proc.ts'
import { tried } from './tried.ts'

export const capabilitiesIsolator: Isolator = {
  name: 'capabilities',
  async open() {
    const own = ownCapabilities()
    const why = own.has('setpcap')
      ? await tried(['setpriv', ...optionsOf([]), 'true'])
      : 'that takes root, or CAP_SETPCAP'
    if (why !== undefined)
      return { missing: [`no task can be left with fewer capabilities: ${why}`] }
    return {
      works: {
        problem: ({ linux = {} }) => problemOf(linux.capabilities ?? [], own),
        prepare: ({ linux: { capabilities } = {} }) =>
          capabilities && { setpriv: optionsOf(capabilities) },
      },
      missing: [],
    }
  },
}

/** The bounding set is what a root task has left; the ambient one is what any other user keeps. */
function optionsOf(capabilities: readonly string[]): readonly string[] {
  const kept = ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  return [`--bounding-set=${kept}`, `--inh-caps=${kept}`, `--ambient-caps=${kept}`]
}

function problemOf(wanted: readonly string[], own: ReadonlySet<string>): string | undefined {
  const lacking = wanted.filter((name) => !own.has(name))
  if (lacking.length === 0) return undefined
  return `the agent cannot leave it what it does not have itself: ${lacking.join(', ')}`
}

/** What the agent itself may do. */
export function ownCapabilities(): ReadonlySet<string> {
  const status = readText('/proc/self/status') ?? ''
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return new Set(LINUX_CAPABILITIES.filter((_, bit) => (bits >> BigInt(bit)) & 1n))
}

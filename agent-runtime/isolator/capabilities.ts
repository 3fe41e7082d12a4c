/** What of root's rights a task has, by setpriv(1). */
import type { Isolator } from './isolator.ts'
import { ownCapabilities } from './proc.ts'
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

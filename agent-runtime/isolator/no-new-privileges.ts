/** No program that a task starts gives it more rights than it has, by setpriv(1). */
import type { Isolator } from './isolator.ts'
import { tried } from './tried.ts'

const OPTION = '--no-new-privs'

export const noNewPrivilegesIsolator: Isolator = {
  name: 'no-new-privileges',
  async open() {
    const why = await tried(['setpriv', OPTION, 'true'])
    if (why !== undefined) return { missing: [`no task can be kept from new privileges: ${why}`] }
    return {
      works: {
        prepare: ({ linux = {} }) => (linux.noNewPrivileges ? { setpriv: [OPTION] } : undefined),
      },
      missing: [],
    }
  },
}

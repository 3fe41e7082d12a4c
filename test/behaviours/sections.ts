/** All that is judged. A new section is a file like its neighbours and a line here. */
import { AGENTS } from './agents.ts'
import { ALLOCATION } from './allocation.ts'
import type { Section } from './behaviour.ts'
import { FRAMEWORKS } from './frameworks.ts'
import { HEALTH } from './health.ts'
import { LEADERS } from './leaders.ts'
import { OFFERS } from './offers.ts'
import { OPERATORS } from './operators.ts'
import { RECONCILIATION } from './reconciliation.ts'
import { RECOVERY } from './recovery.ts'
import { STATUSES } from './statuses.ts'
import { TASKS } from './tasks.ts'

export const SECTIONS: readonly Section[] = [
  OFFERS,
  FRAMEWORKS,
  AGENTS,
  LEADERS,
  RECONCILIATION,
  STATUSES,
  TASKS,
  HEALTH,
  RECOVERY,
  ALLOCATION,
  OPERATORS,
]

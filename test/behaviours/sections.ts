/** All that is judged. A new section is a file like its neighbours and a line here. */
import { ALLOCATION } from './allocation.ts'
import type { Section } from './behaviour.ts'
import { FRAMEWORKS } from './frameworks.ts'
import { OFFERS } from './offers.ts'
import { OPERATORS } from './operators.ts'

export const SECTIONS: readonly Section[] = [OFFERS, FRAMEWORKS, ALLOCATION, OPERATORS]

/** Where a task would rather be: as its author writes it, and as places are judged by it. */
import { isGoodPattern } from './rules.ts'
import type { Offered } from './contract.ts'
import type { Preference } from './contract-queue.ts'

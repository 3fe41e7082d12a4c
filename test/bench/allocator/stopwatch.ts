/** Takes the time of an allocator's core, and of the real codec around it. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decode, encode } from '../../../bus/codec.ts'
import { check } from '../../../protocol/check.ts'
import type { AllocatorFigures } from '../../../protocol/schema/allocator.ts'
import type { Travel } from '../../support/driven-allocator.ts'

setFlagsFromString('--expose-gc')
/** The garbage of the leader's books, which share the heap, is not the allocator's. */
export const collectGarbage = runInNewContext('gc') as () => void

const US_PER_MS = 1_000

export class Stopwatch implements Travel {
  /** Figures are taken in. */
  figuresMs = 0
  /** Turns in which is allocated, and how many. */
  turnsMs = 0
  turns = 0
  /** All threads of the process meanwhile: V8 collects and compiles in some of its own. */
  cpuMs = 0
  /** Payloads are decoded and checked; what is said is encoded. */
  codecMs = 0
  /** Of any one input since it was made. */
  longestTurnMs = 0

  /** All but the longest. */
  reset(): void {
    this.figuresMs = 0
    this.turnsMs = 0
    this.turns = 0
    this.cpuMs = 0
    this.codecMs = 0
  }

  /** What the core gets has come out of the decoder, as it does over a bus. */
  readonly toAllocator: Travel['toAllocator'] = (message) => {
    const payload = encode(message)
    const fromMs = performance.now()
    const read = readFigures(payload)
    this.codecMs += performance.now() - fromMs
    return read
  }

  readonly fromAllocator: Travel['fromAllocator'] = (message) => {
    const fromMs = performance.now()
    encode(message)
    this.codecMs += performance.now() - fromMs
  }

  readonly handle: Travel['handle'] = (input, run) => {
    const before = process.cpuUsage()
    const fromMs = performance.now()
    const effects = run()
    const ms = performance.now() - fromMs
    if (input.kind === 'flush') {
      const { user, system } = process.cpuUsage(before)
      this.cpuMs += (user + system) / US_PER_MS
      this.turns += 1
      this.turnsMs += ms
    } else this.figuresMs += ms
    if (ms > this.longestTurnMs) this.longestTurnMs = ms
    return effects
  }
}

function readFigures(payload: Uint8Array): AllocatorFigures {
  const decoded = decode(payload)
  if (!decoded.ok) throw new Error(decoded.refusal.message)
  const checked = check('AllocatorFigures', decoded.value)
  if (!checked.ok) throw new Error(checked.refusal.message)
  return checked.value
}

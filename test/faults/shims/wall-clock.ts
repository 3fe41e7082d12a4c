/**
 * Loaded before a program by `--import`: at SIGUSR2 its wall clock jumps an hour ahead, at the next
 * one two hours back, and so on. Its monotonic clock does not.
 */
import { JUMP_MS } from './settings.ts'

const RealDate = Date
let offsetMs = 0

class JumpingDate extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    if (args.length === 0) super(JumpingDate.now())
    else super(args[0])
  }

  static override now(): number {
    return RealDate.now() + offsetMs
  }
}

globalThis.Date = JumpingDate as DateConstructor

process.on('SIGUSR2', () => {
  offsetMs = offsetMs > 0 ? -JUMP_MS : JUMP_MS
})

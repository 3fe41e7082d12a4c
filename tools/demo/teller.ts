/** Tells how a demo gets on: a live line on a terminal, plain lines elsewhere. */
import type { Clock } from '../../bus/clock.ts'
import { COLUMNS_DEFAULT, type Io } from '../../cli/io.ts'
import { NO_LIVE_LINE, openLiveLine } from '../../cli/live-line.ts'
import { harmless } from '../../cli/text.ts'

export interface Teller {
  /** What stays to be read. */
  readonly say: (sentence: string) => void
  /** What is true just now. */
  readonly now: (text: string) => void
  readonly close: () => void
}

export const SILENT: Teller = {
  say: () => undefined,
  now: () => undefined,
  close: () => undefined,
}

export function openTeller(io: Io, clock: Clock): Teller {
  let current = ''
  const line = io.isErrorTerminal
    ? openLiveLine({
        clock,
        write: (text) => io.writeError(text),
        columns: () => process.stderr.columns || COLUMNS_DEFAULT,
        text: () => current,
      })
    : NO_LIVE_LINE
  const say = (sentence: string): void => line.above(() => io.printError(harmless(sentence)))
  return {
    say,
    now(text) {
      if (text === current) return
      current = text
      if (!io.isErrorTerminal) say(text)
    },
    close: () => line.close(),
  }
}

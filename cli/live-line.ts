/** One line at the bottom of a terminal that is drawn again and again, under what is printed. */
import type { Clock, Timer } from '../bus/clock.ts'
import { cutToWidth } from './text.ts'

export interface LiveLineDeps {
  readonly clock: Clock
  /** To the terminal. */
  readonly write: (text: string) => void
  readonly columns: () => number
  /** What the line says now. */
  readonly text: () => string
}

/** The numbers may change quickly, and time passes. */
const REDRAW_MS = 200
/** To the line's begin; clear it. */
const CLEAR = '\r\u001b[K'

/** A command without a terminal has none: see `NO_LIVE_LINE`. */
export interface LiveLine {
  /** Prints with the line out of the way. What is printed ends its last line. */
  above(print: () => void): void
  /** Takes the line away. */
  close(): void
}

export const NO_LIVE_LINE: LiveLine = {
  above: (print) => print(),
  close: () => undefined,
}

export function openLiveLine({ clock, write, columns, text }: LiveLineDeps): LiveLine {
  let timer: Timer
  const draw = (): void => write(CLEAR + cutToWidth(text(), Math.max(1, columns() - 1)))
  const drawAgain = (): void => {
    draw()
    timer = clock.after(REDRAW_MS, drawAgain)
  }
  drawAgain()
  return {
    above(print) {
      write(CLEAR)
      print()
      draw()
    },
    close() {
      timer.cancel()
      write(CLEAR)
    },
  }
}

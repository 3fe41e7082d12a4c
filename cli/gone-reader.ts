/** Who reads what we print, by a pipe or on a terminal, may be there no more. */
import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'

/** Of a pipe, and of a terminal. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

/** Of a file on a disk that is full. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT'])

export interface OutputHandlers {
  /** Nobody reads that stream any more. Perhaps several times. */
  readonly gone: () => void
  /** Whatever else is wrong with it. */
  readonly broken: (error: Error) => void
}

/** Watches both streams of the process. */
export function watchOutput({ gone, broken }: OutputHandlers): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (GONE.has(error.code)) gone()
      // What is said beside the work is not worth the work's end: an actor's tasks, say.
      else if (stream !== process.stderr || !NO_ROOM.has(error.code)) broken(error)
    })
  forgetClosedTerminals()
}

/** Node puts terminals right when it exits, and crashes if one of them was closed meanwhile. */
function forgetClosedTerminals(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.on('exit', () => {
    for (const fd of terminals) if (!isatty(fd)) closeSync(fd)
  })
}

/** What a command has beside its cluster: streams, their width, the environment. */
import { harmless } from './text.ts'

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Columns of the terminal that stdout is; absent: it is none. */
  readonly columns?: number
  /** Standard error is a terminal: a live line can be drawn there. */
  readonly isErrorTerminal: boolean
  print(line: string): void
  printError(line: string): void
  write(bytes: Uint8Array | string): void
  writeError(bytes: Uint8Array | string): void
  /**
   * Resolves when more may be written: at once, unless what was written before waits for a slow
   * reader. Whoever writes much waits for it now and then, or it all lies in memory.
   */
  drained(): Promise<void>
}

/** Of a terminal that does not say. */
export const COLUMNS_DEFAULT = 80

export function processIo(): Io {
  const { stdout, stderr, env } = process
  return {
    env,
    ...(stdout.isTTY ? { columns: stdout.columns || COLUMNS_DEFAULT } : {}),
    isErrorTerminal: stderr.isTTY && env['TERM'] !== 'dumb',
    print: (line) => void stdout.write(`${line}\n`),
    printError: (line) => void stderr.write(`${line}\n`),
    write: (bytes) => void stdout.write(bytes),
    writeError: (bytes) => void stderr.write(bytes),
    drained: async () => void (await Promise.all([drained(stdout), drained(stderr)])),
  }
}

/** A stream that breaks instead needs no more waiting. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = (): void => {
      stream.off('drain', finish).off('close', finish)
      resolve()
    }
    stream.on('drain', finish).on('close', finish)
  })
}

/** JSON on one line in which nothing acts on a terminal. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** `name  value` lines; what is undefined is left out. */
export function fieldLines(
  fields: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const shown = Object.entries(fields).filter(
    (field): field is [string, string] => field[1] !== undefined,
  )
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${harmless(value)}`)
}

/** Streams of a command that is run in the test's own process. */
import type { Io } from '../../cli/io.ts'

export interface Printed {
  readonly stdout: string
  readonly stderr: string
}

export interface RecordingIo {
  readonly io: Io
  readonly printed: () => Printed
}

/** Without a cluster, unless `env` names one; `columns`: of a terminal. */
export function recordingIo({ env = {}, columns }: Partial<Pick<Io, 'env' | 'columns'>> = {}) {
  let stdout = ''
  let stderr = ''
  const io: Io = {
    env: { BOURSE_STATE_DIR: '/nowhere', XDG_CONFIG_HOME: '/nowhere', ...env },
    ...(columns === undefined ? {} : { columns }),
    isErrorTerminal: false,
    print: (line) => void (stdout += `${line}\n`),
    printError: (line) => void (stderr += `${line}\n`),
    write: (bytes) => void (stdout += textOf(bytes)),
    writeError: (bytes) => void (stderr += textOf(bytes)),
    drained: () => Promise.resolve(),
  }
  return { io, printed: () => ({ stdout, stderr }) } satisfies RecordingIo
}

const textOf = (bytes: Uint8Array | string): string =>
  typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()

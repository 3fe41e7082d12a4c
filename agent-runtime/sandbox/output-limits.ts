/** How much of its output a task may leave lying: what the agent says, or the task itself. */
import { OUTPUT_KEPT_BYTES_MAX } from '../../protocol/limits.ts'

/** When a file takes more, its older half is taken away. */
export interface OutputLimits {
  readonly stdoutBytesMax: number
  readonly stderrBytesMax: number
}

/** As tasks of Mesos' logrotate logger say it. */
const VARIABLES = {
  stdoutBytesMax: 'CONTAINER_LOGGER_MAX_STDOUT_SIZE',
  stderrBytesMax: 'CONTAINER_LOGGER_MAX_STDERR_SIZE',
} as const

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }
/** Less cannot be taken away. */
const BYTES_MIN = 8_192

/** What a task's environment asks for, else `bytesMax`; or a sentence. */
export function outputLimitsOf(
  env: Readonly<Record<string, string>>,
  bytesMax: number,
): OutputLimits | string {
  const limits = { stdoutBytesMax: bytesMax, stderrBytesMax: bytesMax }
  for (const [limit, name] of Object.entries(VARIABLES)) {
    const text = env[name]
    if (text === undefined) continue
    const bytes = parseBytes(text)
    if (bytes === undefined || bytes < BYTES_MIN || bytes > OUTPUT_KEPT_BYTES_MAX)
      return `environment variable ${name} is no size from 8KB to 1GB`
    Object.assign(limits, { [limit]: bytes })
  }
  return limits
}

function parseBytes(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,12})(B|KB|MB|GB)$/.exec(text) ?? []
  return count === '' ? undefined : Number(count) * (UNITS[unit] ?? 1)
}

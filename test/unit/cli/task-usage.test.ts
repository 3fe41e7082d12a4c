/** What is said of a task's use. */
import test from 'ava'
import { usageText } from '../../../cli/task-usage.ts'

const MIB = 1024 * 1024

test('all that is counted is said, with units, and of the rest nothing', (t) => {
  const memory = { memBytes: 45.24 * MIB, memPeakBytes: 60 * MIB }
  t.is(
    usageText({ cpuMs: 12_340, throttledMs: 500, ...memory, pids: 7, diskBytes: 1.5 * MIB }),
    'cpu 12.3 s (throttled 0.5 s), memory 45.2 MiB (peak 60 MiB), 7 processes, disk 1.5 MiB',
  )
  t.is(usageText({ cpuMs: 12, throttledMs: 0, pids: 1 }), 'cpu 0 s, 1 process')
  t.is(usageText({}), undefined)
})

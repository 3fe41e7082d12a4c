/** What the kernel has said since it started, so far as it remembers and one may read it. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const LOG = '/dev/kmsg'
/** Longer ones are cut off by the kernel. */
const RECORD_BYTES_MAX = 8192
/** More than any kernel keeps. */
const RECORDS_MAX = 100_000

/**
 * True if the kernel says that it has ended a process of this container because its memory was
 * full. False where it says nothing, or not to us.
 *
 * Source: `dump_oom_victim` in mm/oom_kill.c, since Linux 4.20: `oom-kill:constraint=
 * CONSTRAINT_MEMCG,…,oom_memcg=PATH,task_memcg=PATH,task=NAME,…`. Names come last and are no
 * cgroup's.
 */
export async function killedForMemory(containerId: string, path = LOG): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(containerId)) return false
  const log = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined)
  if (log === undefined) return false
  const pattern = new RegExp(
    `;oom-kill:constraint=CONSTRAINT_MEMCG,.*,oom_memcg=[^,]*${containerId}[^,]*,task_memcg=`,
  )
  try {
    for (let i = 0; i < RECORDS_MAX; i++) {
      const record = await nextRecord(log)
      if (record === undefined) return false
      if (pattern.test(record)) return true
    }
    return false
  } finally {
    await log.close()
  }
}

/** Undefined: that was the last. */
async function nextRecord(log: FileHandle): Promise<string | undefined> {
  const buffer = Buffer.alloc(RECORD_BYTES_MAX)
  try {
    const { bytesRead } = await log.read(buffer, 0, buffer.length, null)
    return bytesRead === 0 ? undefined : buffer.toString('utf8', 0, bytesRead)
  } catch (error) {
    // What was to be read next has been overwritten: the one after it follows.
    return (error as NodeJS.ErrnoException).code === 'EPIPE' ? '' : undefined
  }
}

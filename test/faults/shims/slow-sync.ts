/**
 * Loaded before a program by `--import`: each of its syncs to disk takes a second longer, and is
 * told on standard error. What flushes by an option syncs by the handle, too.
 */
import fs from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as later } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SLOW_SYNC, SYNC_MS } from './settings.ts'

const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
const tell = (): void => void process.stderr.write(`${JSON.stringify({ message: SLOW_SYNC })}\n`)

const { fsyncSync, fdatasyncSync, fsync, fdatasync } = fs
const slowSync =
  (sync: typeof fsyncSync): typeof fsyncSync =>
  (fd) => {
    tell()
    Atomics.wait(cell, 0, 0, SYNC_MS)
    sync(fd)
  }
fs.fsyncSync = slowSync(fsyncSync)
fs.fdatasyncSync = slowSync(fdatasyncSync)

type Sync = typeof fsync
const slow = (sync: Sync): Sync =>
  Object.assign(
    (fd: number, done: fs.NoParamCallback): void => {
      tell()
      setTimeout(() => sync(fd, done), SYNC_MS)
    },
    { __promisify__: sync.__promisify__ },
  )
fs.fsync = slow(fsync)
fs.fdatasync = slow(fdatasync)
syncBuiltinESMExports()

/** The class is not exported: it is had from one of its handles. */
const any = await open(fileURLToPath(import.meta.url))
const handles = Object.getPrototypeOf(any) as Pick<FileHandle, 'sync' | 'datasync'>
await any.close()
for (const name of ['sync', 'datasync'] as const) {
  const sync = handles[name]
  handles[name] = async function slowly(this: FileHandle): Promise<void> {
    tell()
    await later(SYNC_MS)
    await sync.call(this)
  }
}

/** Loaded before a program by `--import`: each of its syncs to disk takes a second longer. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { SYNC_MS } from './settings.ts'

const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
const wait = (): void => void Atomics.wait(cell, 0, 0, SYNC_MS)

const { fsyncSync, fdatasyncSync, fsync, fdatasync } = fs
fs.fsyncSync = (fd) => {
  wait()
  fsyncSync(fd)
}
fs.fdatasyncSync = (fd) => {
  wait()
  fdatasyncSync(fd)
}
type Sync = typeof fsync
const later = (sync: Sync): Sync =>
  Object.assign(
    (fd: number, done: fs.NoParamCallback) => void setTimeout(() => sync(fd, done), SYNC_MS),
    { __promisify__: sync.__promisify__ },
  )
fs.fsync = later(fsync)
fs.fdatasync = later(fdatasync)
syncBuiltinESMExports()

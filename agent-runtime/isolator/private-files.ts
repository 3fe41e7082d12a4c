/**
 * /tmp, /var/tmp and /dev/shm that are a task's own, in its mount namespace. The first two lie in
 * its sandbox, so they are counted and removed with it; the third is memory.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { quote } from '../launcher/quote.ts'

export interface PrivateFiles {
  /** Absolute, without links; it exists. */
  readonly sandbox: string
  /** What else is to be seen at its place, without links. */
  readonly kept: readonly string[]
  /** Of /dev/shm; absent: half of the machine's, as usual. */
  readonly memBytes: number | undefined
}

/** Below the sandbox. */
const FOLDER = '.private'

const PLACES = [
  { target: '/tmp', name: 'tmp' },
  { target: '/var/tmp', name: 'var-tmp' },
  { target: '/dev/shm', name: 'shm' },
] as const

/** Nobody else can have made anything there yet. */
export function makePrivateFiles({ sandbox }: Pick<PrivateFiles, 'sandbox'>): void {
  mkdirSync(join(sandbox, FOLDER), { mode: 0o755 })
  for (const { name } of PLACES) {
    const path = join(sandbox, FOLDER, name)
    mkdirSync(path)
    chmodSync(path, 0o1777)
  }
}

/** Lines for the launch file, to be run in the new mount namespace; each fails with a word. */
export function privateFileLines({ sandbox, kept, memBytes }: PrivateFiles): readonly string[] {
  const lines = PLACES.filter(({ target }) => existsSync(target)).flatMap(({ target, name }) => {
    const folder = join(sandbox, FOLDER, name)
    const shown = [sandbox, ...kept].filter((path) => path.startsWith(`${target}/`))
    const memory = name === 'shm'
    if (memory && shown.length === 0) return [memoryAt(target, memBytes)]
    const again = shown.flatMap((path) => {
      const place = quote(join(folder, path.slice(target.length)))
      return [`mkdir -p ${place} || return`, `mount -n --bind ${quote(path)} ${place} || return`]
    })
    const made = memory ? [memoryAt(folder, memBytes)] : []
    return [...made, ...again, `mount -n --rbind ${quote(folder)} ${target} || return`]
  })
  const seen = `[ -d ${quote(sandbox)} ] && return`
  return [...lines, seen, 'echo its sandbox lies where its own files are >&2', 'return 1']
}

function memoryAt(path: string, memBytes: number | undefined): string {
  const size = memBytes === undefined ? '' : `,size=${memBytes}`
  return `mount -n -t tmpfs -o mode=1777,nosuid,nodev${size} tmpfs ${quote(path)} || return`
}

/**
 * /tmp, /var/tmp and /dev/shm that are a task's own, in its mount namespace. The first two lie in
 * its sandbox, so they are counted and removed with it; the third is memory.
 */
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { quote } from '../../launcher/quote.ts'

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

/**
 * Makes them. Call it before the sandbox belongs to the task's user: from then on other tasks of
 * that user may put links in their place, which root would follow.
 *
 * @returns lines for the launch file, to be run in the new mount namespace; each fails with a word.
 */
export function makePrivateFiles({ sandbox, kept, memBytes }: PrivateFiles): readonly string[] {
  mkdirSync(join(sandbox, FOLDER), { mode: 0o755 })
  const lines = PLACES.flatMap(({ target, name }) => {
    const folder = join(sandbox, FOLDER, name)
    mkdirSync(folder)
    chmodSync(folder, 0o1777)
    if (!existsSync(target)) return []
    const shown = [sandbox, ...kept].filter((path) => path.startsWith(`${target}/`))
    const isMemory = name === 'shm'
    if (isMemory && shown.length === 0) return [memoryAt(target, memBytes)]
    const again = shown.flatMap((path) => {
      const place = join(folder, path.slice(target.length))
      if (!isMemory) mkdirSync(place, { recursive: true })
      const make = isMemory ? [`mkdir -p ${quote(place)} || return`] : []
      return [...make, `mount -n --bind ${quote(path)} ${quote(place)} || return`]
    })
    const made = isMemory ? [memoryAt(folder, memBytes)] : []
    const mount = `mount -n --rbind ${quote(folder)} ${target} || return`
    const own = shown.map((path) => ({ place: path, folder: path }))
    const mounted = isMemory ? own : [{ place: target, folder }, ...own]
    return [...made, ...again, mount, areAt(mounted)]
  })
  const seen = `[ -d ${quote(sandbox)} ] && return`
  return [...lines, seen, 'echo its sandbox lies where its own files are >&2', 'return 1']
}

interface Mounted {
  readonly place: string
  readonly folder: string
}

/**
 * A line that asks whether what is mounted are the folders as they are now: once it is mounted
 * nobody can change it, but before that a link may have led elsewhere.
 */
function areAt(mounted: readonly Mounted[]): string {
  const places = mounted.map(({ place }) => quote(place)).join(' ')
  const wanted = mounted.map(({ folder }) => {
    const { dev, ino } = statSync(folder, { bigint: true })
    return `${dev}:${ino}`
  })
  const found = `"$(stat -L -c %d:%i ${places})"`
  const says = 'echo its own files are not where they were made >&2'
  return `[ ${found} = '${wanted.join('\n')}' ] || { ${says}; return 1; }`
}

function memoryAt(path: string, memBytes: number | undefined): string {
  const size = memBytes === undefined ? '' : `,size=${memBytes}`
  return `mount -n -t tmpfs -o mode=1777,nosuid,nodev${size} tmpfs ${quote(path)} || return`
}

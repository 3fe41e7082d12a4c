/**
 * The lock file as plain data. npm leaves platform packages out that its registry does not offer at
 * the time, and `npm ci` then refuses the file; these functions find and add them.
 */

/** The fields that matter here of one entry of `packages`; others are kept as they are. */
export interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}
export type LockPackages = Readonly<Record<string, LockEntry>>

/** A dependency that no entry answers. `parent` is the key of the package that asks. */
export interface Missing {
  readonly parent: string
  readonly name: string
  readonly range: string
  readonly optional: boolean
}

const OS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'win32',
]
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** Looks where Node would look: beside the parent's own dependencies, then outwards. */
function isAnswered(packages: LockPackages, parent: string, name: string): boolean {
  let folder = parent
  for (;;) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true
    if (folder === '') return false
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))
  }
}

export function missingEntries(packages: LockPackages): Missing[] {
  return Object.entries(packages).flatMap(([parent, entry]) => {
    const optional = entry.optionalDependencies ?? {}
    const wanted = { ...entry.devDependencies, ...entry.dependencies, ...optional }
    return Object.entries(wanted)
      .filter(([name]) => !isAnswered(packages, parent, name))
      .map(([name, range]) => ({ parent, name, range, optional: name in optional }))
  })
}

/**
 * The entry for a platform package that cannot be asked for: pinned by its parent, platform read
 * from its name. Without `integrity`: npm fills that in where it installs the package.
 *
 * @throws {Error} if the range is not one version: then only a registry can answer.
 */
export function platformEntry(parent: LockEntry, { name, range }: Missing): LockEntry {
  if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(range)) throw new Error(`${name}: ${range} is not one version`)
  const words = name.split(/[/-]/)
  const os = OS.filter((word) => words.includes(word))
  const cpu = CPU.filter((word) => words.includes(word))
  const isMusl = words.some((word) => word.startsWith('musl'))
  const isGlibc = words.some((word) => word.startsWith('gnu'))
  return {
    version: range,
    ...(cpu.length > 0 && { cpu }),
    ...(parent.dev && { dev: true }),
    ...(parent.devOptional && { devOptional: true }),
    ...(os.includes('linux') && (isMusl || isGlibc) && { libc: [isMusl ? 'musl' : 'glibc'] }),
    optional: true,
    ...(os.length > 0 && { os }),
  }
}

/**
 * Adds what is missing, in npm's order. What is not optional stays missing: `npm install` finds it.
 */
export function completed(packages: LockPackages): LockPackages {
  const added = missingEntries(packages)
    .filter((missing) => missing.optional)
    .map((missing): [string, LockEntry] => [
      `node_modules/${missing.name}`,
      platformEntry(packages[missing.parent] ?? {}, missing),
    ])
  const all = [...Object.entries(packages), ...added]
  return Object.fromEntries(all.toSorted(([a], [b]) => a.localeCompare(b, 'en')))
}

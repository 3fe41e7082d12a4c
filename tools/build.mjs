/**
 * `node tools/build.mjs`: compiles the sources into a folder of their own in `.build/` and prints
 * which, so that what runs from it goes on while others build. The same sources are compiled once.
 * `node tools/build.mjs dist`: into `dist/`, which is what is published. Plain JavaScript, because
 * it must run when nothing is compiled.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'

process.chdir(dirname(import.meta.dirname))

const PUBLISHED = 'dist'
/** As deep as what it becomes, so that its source maps point to the sources. */
const PUBLISHED_NEXT = 'dist.next'
const BUILDS = '.build'
/** Begins the names of builds that are made here: people make others in `.build/`. */
const PREFIX = 'of-'
/** In `dist/`: of which sources it is. With the tools, which are not published. */
const STAMP = join('tools', 'sources')
/** Nobody runs that long from a build, without another start from it. */
const UNUSED_MS_MAX = 24 * 3_600_000

const sources = digestOfSources()
if (process.argv[2] === PUBLISHED) {
  publish()
  linkCommand()
} else console.log(build())

/** Differs when anything differs that a build is made of. */
function digestOfSources() {
  const { include } = JSON.parse(readFileSync('tsconfig.json', 'utf8'))
  const compiled = include.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|mjs|sh)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  const hash = createHash('sha256')
  for (const path of ['package-lock.json', 'tsconfig.json', ...compiled.sort()]) {
    const content = readFileSync(path)
    hash.update(`${path}\n${content.length}\n`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}

/** The folder of a build of these sources. */
function build() {
  const kept = join(BUILDS, `${PREFIX}${sources}`)
  const folder = existsSync(kept) ? kept : keep(compile(`${kept}.${process.pid}`, kept), kept)
  const now = new Date()
  utimesSync(folder, now, now)
  for (const name of readdirSync(BUILDS)) {
    const path = join(BUILDS, name)
    if (name.startsWith(PREFIX) && now.getTime() - usedAtMs(path) > UNUSED_MS_MAX)
      rmSync(path, { recursive: true, force: true })
  }
  return folder
}

/** Another one may have given it another name, or removed it: then there is nothing to remove. */
function usedAtMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
}

/** Where `built` is from now on. Who wrote meanwhile has made it one of no sources: it is not kept. */
function keep(built, kept) {
  if (digestOfSources() !== sources) return built
  try {
    renameSync(built, kept)
  } catch (error) {
    // Another one was first, with the same.
    if (!existsSync(kept)) throw error
    rmSync(built, { recursive: true })
  }
  return kept
}

/** What runs from `dist/` finds the new files under the old names, and hardly a moment none. */
function publish() {
  const stamp = join(PUBLISHED, STAMP)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return
  compile(PUBLISHED_NEXT, PUBLISHED)
  if (digestOfSources() === sources) writeFileSync(join(PUBLISHED_NEXT, STAMP), sources)
  const old = join(BUILDS, `${PREFIX}old.${process.pid}`)
  mkdirSync(BUILDS, { recursive: true })
  if (existsSync(PUBLISHED)) renameSync(PUBLISHED, old)
  renameSync(PUBLISHED_NEXT, PUBLISHED)
  rmSync(old, { recursive: true, force: true })
}

/**
 * Where npm puts commands of packages: it does not for one's own, and `npm ci` takes away what is
 * there.
 */
function linkCommand() {
  const commands = join('node_modules', '.bin')
  const link = join(commands, 'bourse')
  if (existsSync(link)) return
  // It points to nothing.
  rmSync(link, { force: true })
  symlinkSync(relative(commands, join(PUBLISHED, 'cli', 'main.js')), link)
}

/** Compiles all into `folder`, which becomes `name`, and gives it back; what fails ends this. */
function compile(folder, name) {
  process.stderr.write(`building ${name} …\n`)
  rmSync(folder, { recursive: true, force: true })
  run(join('node_modules', 'typescript', 'bin', 'tsc'), '--checkers', '1', '--outDir', folder)
  run(join(folder, 'tools', 'emit-validators.js'))
  run(join(folder, 'tools', 'finish-build.js'))
  return folder
}

/** Nothing of it goes to standard output, where a program reads the name of the folder. */
function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(status ?? 1)
}

/** An earlier state of this project, built from its history: what a cluster is upgraded from. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Need } from '../support/needs.ts'

/** Before masters kept copies of the registry, and frameworks had several instances. */
const OLD_COMMIT = 'fcff3a4878ddd2a7f976ab1f5aa855b954ec954a'

const git = (...args: readonly string[]) => spawnSync('git', args, { maxBuffer: 256 * 1024 ** 2 })

export const historyNeed = (): Need => ({
  name: 'the history of this project in git',
  found: git('cat-file', '-e', `${OLD_COMMIT}^{commit}`).status === 0,
  install: 'git fetch --unshallow',
})

/** Resolves a file of the old build. Call it from the root of the project. */
export function buildOld(folder: string): (path: string) => string {
  mkdirSync(folder, { recursive: true })
  const { stdout } = git('archive', OLD_COMMIT)
  execFileSync('tar', ['-x', '-C', folder], { input: stdout })
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
  const run = (...argv: readonly string[]): void =>
    void execFileSync(process.execPath, argv, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  run(join('node_modules', 'typescript', 'bin', 'tsc'), '--noCheck', '--outDir', 'dist')
  run(join('dist', 'tools', 'emit-validators.js'))
  run(join('dist', 'tools', 'finish-build.js'))
  return (path) => join(folder, 'dist', path)
}

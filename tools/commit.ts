/** By which source something was made: what was measured says nothing without it. */
import { spawnSync } from 'node:child_process'

/** All that a build or a run is made of. */
const SOURCES = [
  'protocol',
  'bus',
  'actors',
  'agent-runtime',
  'frameworks',
  'cli',
  'testing',
  'examples',
  'test',
  'tools',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'nats.conf',
]

/** What measuring itself writes, and what was measured before. */
const RESULTS = [
  'test/bench/results.json',
  'test/bench/baseline.json',
  'test/faults/results.json',
  'test/runs/*.jsonl',
]

/**
 * `abc1234`, or `abc1234+` when something in `paths` is not committed; `unknown` where git knows
 * nothing, as in a copy. Call it from the root of the project.
 */
export function commitHere(paths: readonly string[] = SOURCES): string {
  const git = (...args: readonly string[]): string =>
    spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim() ?? ''
  const commit = git('rev-parse', '--short', 'HEAD')
  if (commit === '') return 'unknown'
  const others = RESULTS.map((path) => `:!${path}`)
  return git('status', '--porcelain', '--', ...paths, ...others) === '' ? commit : `${commit}+`
}

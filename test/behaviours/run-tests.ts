/** Runs the files of tests that are named, with AVA. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TapResults } from './tap.ts'

/** The folder `test/` of this build. */
const TESTS = fileURLToPath(new URL('..', import.meta.url))

/** `files` as a TestName has them; those that are not there have no results. */
export async function runTests(files: Iterable<string>): Promise<TapResults> {
  const results = new TapResults()
  const paths = [...files]
    .map((file) => relative(process.cwd(), `${TESTS}${file}.test.js`))
    .filter((path) => existsSync(path))
  if (paths.length === 0) return results
  const ava = spawn(
    process.execPath,
    ['node_modules/ava/entrypoints/cli.mjs', '--no-color', '--tap', ...paths],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exited = once(ava, 'exit')
  for await (const line of createInterface({ input: ava.stdout })) results.read(line)
  await exited
  return results
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { sourceFiles } from '../../tools/source-files.ts'
import { importsOf } from '../support/tidy-rules.ts'
import { BUGS, CHAOS, type Finder, PROJECT, problemOf, SIMULATOR } from './apply.ts'

test('there are five known bugs', (t) => {
  t.deepEqual(BUGS, [
    'freed-twice',
    'kill-forgotten',
    'no-fencing',
    'published-before-checkpoint',
    'repeated-accept-dropped',
  ])
})

for (const bug of BUGS)
  test(`the patch of ${bug} applies to the source as it is`, (t) => {
    t.is(problemOf(bug), undefined)
  })

for (const [name, finder] of Object.entries({ SIMULATOR, CHAOS }))
  test(`${name}: a copy has all that is compiled there`, (t) => {
    const needed = neededBy(finder)
    t.true(needed.size > 100)
    const lacking = [...needed].filter((path) => !isBelow(path, finder.copied))
    t.deepEqual(lacking, [])
  })

const isBelow = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`))

/** Each file that is compiled, with what it imports of the project, and so on. */
function neededBy({ compiled }: Finder): ReadonlySet<string> {
  const all = new Set(sourceFiles(PROJECT, ['.ts']))
  const needed = new Set([...all].filter((path) => isBelow(path, compiled)))
  // What is added on the way is walked too.
  for (const path of needed) {
    const text = readFileSync(join(PROJECT, path), 'utf8')
    for (const { target } of importsOf({ path, text })) if (all.has(target)) needed.add(target)
  }
  return needed
}

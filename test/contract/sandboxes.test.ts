/** Sandboxes and folders of groups go, and nothing else with them. */
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openSandboxes } from '../../agent-runtime/sandbox/sandbox.ts'
import { systemClock } from '../../bus/clock.ts'
import { disksNeed } from '../lab/small-disk.ts'
import { aSandbox } from '../support/containers.ts'
import { needs } from '../support/needs.ts'

/** One task of a group, in a work directory that is reached by a link; and what is not its own. */
function aPlace(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-sandboxes-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'real'))
  symlinkSync('real', join(folder, 'link'))
  const precious = join(folder, 'precious')
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), 'precious')
  const sandboxes = openSandboxes({ workDir: join(folder, 'link'), clock: systemClock })
  t.teardown(() => sandboxes.close())
  const sandbox = aSandbox('t-1')
  const group = { id: '1-00-c-1', sharesNetwork: false }
  const { sandboxPath, groupPath = '' } = sandboxes.createFor({ sandbox, group })
  const root = join(folder, 'real', 'sandboxes')
  return { folder, precious, sandboxes, sandbox, sandboxPath, groupPath, root }
}

for (const [where, placeOf] of [
  ['in a sandbox', ({ sandboxPath }) => join(sandboxPath, 'a b')],
  ['over a sandbox', ({ sandboxPath }) => sandboxPath],
  ['in the folder of a group', ({ groupPath }) => join(groupPath, 'a b')],
  ['over the folder of a group', ({ groupPath }) => groupPath],
] satisfies [string, (place: ReturnType<typeof aPlace>) => string][]) {
  test(`what is mounted ${where} stays, though a link leads there`, async (t) => {
    if (!needs(t, disksNeed())) return
    const place = aPlace(t)
    const { precious, sandboxes, sandbox, root } = place
    const inside = placeOf(place)
    mkdirSync(inside, { recursive: true })
    execFileSync('mount', ['--bind', precious, inside])
    await sandboxes.remove(sandbox)
    t.is(readFileSync(join(precious, 'file'), 'utf8'), 'precious')
    t.deepEqual(readdirSync(root), [])
  })
}

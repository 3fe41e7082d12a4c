/** Sandboxes and folders of groups go, and nothing else with them. */
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SandboxFolder } from '../../agent-runtime/sandbox/folder.ts'
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
  const sandboxes = new SandboxFolder({ workDir: join(folder, 'link'), clock: systemClock })
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

test('a sandbox for another user is ours until it is given', (t) => {
  if (!needs(t, { name: 'root', found: process.getuid?.() === 0 })) return
  const { sandboxes } = aPlace(t)
  const owner = { uid: 65_534, gid: 65_534 }
  const { sandboxPath } = sandboxes.createFor({ sandbox: aSandbox('t-2', '1-00-2') }, owner)
  t.is(statSync(sandboxPath).uid, 0)
  sandboxes.giveTo(sandboxPath, owner)
  for (const name of ['', 'stdout', 'stderr']) t.is(statSync(join(sandboxPath, name)).uid, 65_534)
})

test('what a death left of a group goes with the sandbox', async (t) => {
  const { sandboxes, sandbox, root } = aPlace(t)
  rmSync(join(root, '.groups', '1-00-c-1'), { recursive: true })
  await sandboxes.remove(sandbox)
  t.deepEqual(readdirSync(root), [])
})

test('of a group that was begun to be made, nothing is left either', async (t) => {
  const { sandboxes, root } = aPlace(t)
  const sandbox = aSandbox('t-2', '1-00-2')
  sandboxes.create(sandbox)
  symlinkSync('1-00-c-2', join(root, '.group-of', sandbox.launch))
  await sandboxes.remove(sandbox)
  t.deepEqual(readdirSync(join(root, '.group-of')), ['1-00-1'])
  t.deepEqual(readdirSync(join(root, 'local', 'f-1')), ['t-1'])
})

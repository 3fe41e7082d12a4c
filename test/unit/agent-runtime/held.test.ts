/** What holds one container, on files. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import type { Hold } from '../../../agent-runtime/isolator/isolator.ts'

const NOTHING_SHARED = new Set<string>()

function aFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'bourse-held-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A cgroup that has these files. */
function aCgroup(path: string, files: Readonly<Record<string, string>> = {}): string {
  mkdirSync(path, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  return path
}

test('a hold of another version: its cgroup is removed, and nobody asks what is not known', (t) => {
  using folder = aFolder()
  const path = join(folder.path, 'io', 'c-1')
  const counted = aCgroup(join(folder.path, 'pids', 'c-1'), { 'pids.current': '3\n' })
  const holds = [
    { isolator: 'io', version: 1, path: aCgroup(path) },
    { isolator: 'pids', version: 1, path: counted },
    { isolator: 'locks', locks: [1] },
  ] as readonly unknown[] as readonly Hold[]
  const held = new Held(holds)
  held.watch(() => {})
  t.is(held.limitHit(), undefined)
  t.deepEqual(held.usage(), { pids: 3 })
  held.unwatch()
  t.deepEqual(held.cgroups, [path, counted])
  rmSync(join(counted, 'pids.current'))
  t.true(held.remove(NOTHING_SHARED))
})

test('what is left in a cgroup that limits is killed there', async (t) => {
  using folder = aFolder()
  const path = join(folder.path, 'pids', 'c-1')
  const held = new Held([{ isolator: 'pids', version: 1, path }])
  t.true(held.isEmpty, 'nothing is made yet')
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  aCgroup(path, { 'cgroup.procs': `${child.pid}\n` })
  t.false(held.isEmpty)
  held.kill()
  t.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
})

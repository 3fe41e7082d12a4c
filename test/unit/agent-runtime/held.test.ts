/** What holds one container, on files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import type { Hold } from '../../../agent-runtime/isolator/isolator.ts'

const NOTHING_SHARED = new Set<string>()

function aFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'bourse-held-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
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

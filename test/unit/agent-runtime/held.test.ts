/** What holds one container, on files. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import type { Hold } from '../../../agent-runtime/isolator/hold.ts'
import { type Clock, systemClock } from '../../../bus/clock.ts'

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
  held.watch(systemClock, () => {})
  t.is(held.limitHit(), undefined)
  t.deepEqual(held.usage(), { pids: 3 })
  held.unwatch()
  t.deepEqual(held.cgroups, [path, counted])
  rmSync(join(counted, 'pids.current'))
  t.true(held.remove(NOTHING_SHARED))
})

test('a process joins alone where it can, and what is only counted elsewhere is not touched', (t) => {
  const accounts = '/cpuacct/c-1'
  const countedIn = '/unified/c-1'
  const held = new Held([
    { isolator: 'pids', version: 1, path: '/pids/c-1' },
    { isolator: 'memory', version: 2, path: '/unified/c-2' },
    { isolator: 'cpu', version: 1, path: '/cpu/c-1', accounts },
    { isolator: 'cpu', version: 1, path: '/cpu/c-3', countedIn },
  ])
  t.deepEqual(held.joins, [
    '/pids/c-1/tasks',
    '/unified/c-2/cgroup.procs',
    '/cpu/c-1/tasks',
    '/cpuacct/c-1/tasks',
    '/cpu/c-3/tasks',
  ])
  t.false(held.cgroups.includes(countedIn))
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

test('many changes at a limit are one look, and the next ones another', async (t) => {
  using folder = aFolder()
  const path = aCgroup(join(folder.path, 'c-1'), { 'memory.events': 'max 0\n' })
  const held = new Held([{ isolator: 'memory', version: 2, path }])
  const due: (() => void)[] = []
  let asked = () => {}
  const clock: Clock = {
    ...systemClock,
    after(_, fn) {
      due.push(fn)
      asked()
      return { cancel: () => due.splice(due.indexOf(fn), 1) }
    },
  }
  let looks = 0
  held.watch(clock, () => {
    looks += 1
  })
  for (const max of [1, 2]) {
    const hasAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    for (let i = 0; i < 10; i++) writeFileSync(join(path, 'memory.events'), `max ${max}${i}\n`)
    await hasAsked
    // What has been written above is heard in one turn.
    await new Promise<void>((resolve) => systemClock.soon(resolve))
    t.is(due.length, 1)
    due.shift()?.()
    t.is(looks, max)
  }
  held.unwatch()
})

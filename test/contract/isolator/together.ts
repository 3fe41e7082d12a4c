/** What several isolators do for one task, and for the tasks of a group. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import type { Namespace } from '../../../protocol/linux.ts'
import { fileHolds, opened, processesAreGone, realMachine } from '../../support/containers.ts'
import { freePort } from '../../support/free-ports.ts'
import { needs } from '../../support/needs.ts'
import { checked, type Here, type KillPlace, openedWith, output, running, said } from './running.ts'
import { type Asks, quoted } from './samples.ts'

type Case = readonly [
  title: string,
  isolators: readonly string[],
  run: (t: ExecutionContext, here: Here) => Promise<void>,
]

export function togetherContract(test: TestFn, { name, isolation }: KillPlace): void {
  for (const [title, isolators, run] of CASES) {
    test.serial(`${name}: ${title}`, async (t) => {
      await using machine = realMachine(isolation)
      const here = await openedWith(t, machine, isolators)
      if (here !== undefined) await run(t, here)
    })
  }
}

const alone = (...namespaces: Namespace[]): Asks => ({ linux: { namespaces } })

const CASES: readonly Case[] = [
  [
    'checks look from inside, also over the network and under the next agent',
    ['pid-namespace', 'mount-namespace', 'network-namespace'],
    async (t, here) => {
      const { machine, log } = here
      // Nobody on the machine itself listens there.
      const port = await freePort()
      const listens = `require("http").createServer((_, answer) => { answer.statusCode = 204; answer.end() }).listen(${port}, () => console.log("up"))`
      const script = `echo yes >/tmp/mine; exec ${quoted(process.execPath)} -e '${listens}'`
      const spec = running(script, alone('pid', 'mount', 'network'))
      here.containers.launch(spec)
      await log.until('started', 'c-1')
      await fileHolds(join(machine.sandboxPath(spec), 'stdout'), /up\n/)
      await here.containers.close()
      const next = { machine, ...(await opened(machine)) }
      const inside = 'test -e /tmp/mine && test "$(grep -c : /proc/net/dev)" = 1'
      t.like(await checked(next, inside), { exit: { code: 0 } })
      for (const [probe, seen] of [
        [{ http: { port } }, { statusCode: 204 }],
        [{ tcp: { port } }, { connected: true }],
        [{ tcp: { port: port === 1 ? 2 : 1 } }, { connected: false }],
      ] as const) {
        const before = next.log.events.length
        const run = { containerId: 'c-1', which: 'health-check', timeoutMs: 60_000 } as const
        next.containers.check({ ...run, probe })
        await machine.until(() => next.log.events.length > before)
        t.like(next.log.events.at(-1), { seen })
      }
      next.containers.kill('c-1', 0)
      await next.log.until('ended', 'c-1')
      t.like(next.log.of('c-1').at(-1), { exit: { signal: 'SIGKILL' } })
      await next.containers.destroy('c-1')
      await processesAreGone(machine.workDir)
    },
  ],
  [
    'tasks of a group share a folder, which goes with the last of their sandboxes',
    [],
    async (t, here) => {
      const group = { id: '1-00-c-1', sharesNetwork: false }
      const writes = running('echo hello >"$BOURSE_GROUP_SANDBOX/word"', { group })
      const reads = running('cat "$BOURSE_GROUP_SANDBOX/word"', { group }, 'c-2')
      await said(here, writes)
      t.is(await said(here, reads), 'hello\n')
      const folder = join(here.machine.workDir, 'sandboxes', '.groups', group.id, 'shared')
      for (const spec of [writes, reads]) {
        t.true(existsSync(join(folder, 'word')))
        await here.containers.destroy(spec.containerId)
        await here.machine.sandboxes().remove(spec.sandbox)
      }
      t.false(existsSync(join(here.machine.workDir, 'sandboxes', '.groups')))
      t.false(existsSync(join(here.machine.workDir, 'sandboxes', '.group-of')))
    },
  ],
  [
    'tasks of a group share a network of their own, and its end is the end of it',
    ['network-namespace'],
    async (t, here) => {
      if (!needs(t, { name: 'root', found: process.getuid?.() === 0 })) return
      const group = { id: '1-00-c-1', sharesNetwork: true }
      const of = { ...alone('network'), group }
      const script = 'readlink /proc/self/ns/net; sleep 600 & wait'
      const specs = [running(script, of), running(script, of, 'c-2')]
      for (const spec of specs) here.containers.launch(spec)
      await here.log.until('started', 'c-1', 'c-2')
      const seen = await Promise.all(
        specs.map(async (spec) => {
          const path = join(here.machine.sandboxPath(spec), 'stdout')
          await fileHolds(path, /\n/)
          return output(here.machine, spec).trim()
        }),
      )
      t.regex(seen[0] ?? '', /^net:\[\d+\]$/)
      t.is(seen[0], seen[1])
      for (const { containerId } of specs) here.containers.kill(containerId, 0)
      await here.log.until('ended', 'c-1', 'c-2')
      await processesAreGone(here.machine.workDir)
    },
  ],
]

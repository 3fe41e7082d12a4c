/** Policies of real allocators: a shadow beside one, and users' modules that are no good. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import ava, { type ExecutionContext } from 'ava'
import { encode } from '../../bus/codec.ts'
import { locateNats } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import type { ShadowId } from '../../protocol/ids.ts'
import type { ShadowReport } from '../../protocol/schema/shadow.ts'
import { allocatorReports, shadowReports } from '../../protocol/subjects.ts'
import { type Actor, BOURSE, type Cluster, openCluster, runBourse } from '../support/cluster.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial

const HUNGRY = fileURLToPath(new URL('../support/hungry-framework.js', import.meta.url))
const FLOOD = 20_000

async function aCluster(t: ExecutionContext): Promise<Cluster> {
  t.timeout(90_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.start('master', '--id', 'm1')
  return cluster
}

/** A framework that never has enough. Resolves when it has subscribed. */
async function startHungry(t: ExecutionContext, { env }: Cluster, name: string, role: string) {
  const child = spawn(process.execPath, [HUNGRY, name, role, '1', '64'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  await once(lines, 'line')
  return lines
}

/** Resolves when so many tasks of them all run. */
async function haveRun(all: readonly NodeJS.EventEmitter[], count: number): Promise<void> {
  let left = count
  await new Promise<void>((resolve) => {
    for (const lines of all)
      lines.on('line', () => {
        left -= 1
        if (left === 0) resolve()
      })
  })
}

interface Told extends ShadowReport {
  readonly shadowId: string
}

const SIZE = ['--resources', 'cpus:1;mem:1024']
const emulate = (cluster: Cluster, id: string, count: number): Promise<Actor> =>
  cluster.start('agent', '--id', id, '--emulate', String(count), ...SIZE)

/** What shadows say, once what they say is so. */
async function toldWhen({ env }: Cluster, isSo: (told: Told) => boolean): Promise<Told> {
  const child = spawn(process.execPath, [BOURSE, 'shadow', '--follow', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const told: Told = JSON.parse(line)
      if (isSo(told)) return told
    }
    throw new Error('bourse shadow --follow has ended')
  } finally {
    await end(child)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

test('beside an allocator by drf, a shadow by priority says who would have got what', async (t) => {
  const cluster = await aCluster(t)
  const { env } = cluster
  await cluster.start('allocator')
  const shadow = await cluster.start(
    'allocator',
    '--shadow',
    '--policy',
    'priority',
    '--id',
    'prio',
  )
  t.is((await runBourse(env, 'weights', 'web=2')).code, 0)
  const hungry = [
    await startHungry(t, cluster, 'shop', 'web'),
    await startHungry(t, cluster, 'night', 'batch'),
  ]
  const [comparing] = await Promise.all([shadow.says('comparing'), emulate(cluster, 'e', 30)])
  t.is(comparing.message, 'comparing')
  await haveRun(hungry, 30)

  const told = await toldWhen(cluster, ({ same, different }) => same > 0 && different > 0)
  t.like(told, { shadowId: 'prio', policy: 'priority', phase: 'comparing' })
  const [one] = told.differences
  t.deepEqual(
    [one?.real, one?.shadow].map((members) => members?.map(({ role }) => role)),
    [['batch'], ['web']],
  )
  const of = (role: string) => told.members.find((member) => member.role === role)
  t.true((of('batch')?.real.allocations ?? 0) > (of('batch')?.shadow.allocations ?? 0))
  t.true((of('web')?.real.cpus ?? 0) < (of('web')?.shadow.cpus ?? 0))

  const { stdout, code } = await runBourse(env, 'shadow')
  t.is(code, 0)
  t.regex(stdout, /^shadow prio decides by priority, for /)
  t.regex(stdout, /\nFRAMEWORK +ROLE +GIVEN +SHADOW-GIVEN +CPUS +SHADOW-CPUS +MEM +SHADOW-MEM\n/)
  t.regex(stdout, /: real night \(batch\), shadow shop \(web\)\n/)
})

test("a shadow's death, and a flood of shadows that ask, cost nobody anything", async (t) => {
  const cluster = await aCluster(t)
  const { env, server } = cluster
  const allocator = await cluster.start('allocator')
  const shadow = await cluster.start('allocator', '--shadow')
  await emulate(cluster, 'e', 4)
  await shadow.says('comparing')
  await shadow.end('SIGKILL')
  const location = locateNats(server.url, {})
  if (location === undefined) throw new Error('the server has no URL')
  const bus = await natsSystem({ location, onFault: ({ message }) => t.fail(message) }).connect({
    name: 'flood',
  })
  const asks = encode({ reports: [{ kind: 'shadow' }] })
  const lies = encode({ policy: 'none', members: 'many' })
  const shadowId = 'liar' as ShadowId
  for (let i = 0; i < FLOOD; i++) {
    bus.publish(allocatorReports.to({ cluster: 'bourse' }), asks)
    if (i % 100 === 0) bus.publish(shadowReports.to({ cluster: 'bourse', shadowId }), lies)
  }
  await bus.flush()
  const { code } = await runBourse(env, 'run', '--instances', '20', '--cpus', '1', '--', 'true')
  t.is(code, 0)
  t.is(allocator.lines.filter(({ message }) => message === 'opening').length, 1)
  const { stdout } = await runBourse(env, 'shadow', '--json')
  t.deepEqual(JSON.parse(stdout), [])
  await bus.close()
})

const MODULE = `export default {
  rankRole: ({ share, weight }) => share / weight,
  rankMember({ frameworkId, share }) {
    if (frameworkId.startsWith('thorn')) throw new Error('ouch')
    if (frameworkId.startsWith('tar')) for (;;);
    return share
  },
}
`

for (const [name, problem] of [
  [
    'thorn',
    /^policy .*mine\.js failed, drf takes its place: rankMember for thorn-\w+ threw Error: ouch$/,
  ],
  [
    'tar',
    /^policy .*mine\.js failed, drf takes its place: rankMember for tar-\w+ took more than 1000 ms$/,
  ],
] as const)
  test(`a user's policy that ${name === 'tar' ? 'loops' : 'throws'} is done without, and everybody is told`, async (t) => {
    const cluster = await aCluster(t)
    const { env, folder } = cluster
    const path = join(folder, 'mine.js')
    writeFileSync(path, MODULE)
    const allocator = await cluster.start('allocator', '--policy', path)
    const shadow = await cluster.start('allocator', '--shadow', '--policy', `${path},spread`)
    await emulate(cluster, 'e', 4)
    await shadow.says('comparing')
    t.is((await runBourse(env, 'run', '--name', 'fine', '--cpus', '1', '--', 'true')).code, 0)
    const { code } = await runBourse(env, 'run', '--name', name, '--cpus', '1', '--', 'true')
    t.is(code, 0)
    const said = (actor: Actor) => actor.lines.some(({ message }) => problem.test(message))
    t.true(said(allocator), JSON.stringify(allocator.lines))
    const { problem: shown, policy } = await toldWhen(cluster, (told) => told.problem !== undefined)
    t.is(policy, 'drf')
    t.regex(shown ?? '', /mine\.js,spread: rankMember for t\w+-\w+ t/)
    const events = (await runBourse(env, 'events', 'allocator', '--json')).stdout.trim().split('\n')
    t.is(events.length, 1)
    t.like(JSON.parse(events[0] ?? ''), { kind: 'allocator', what: 'policy-failed', name: path })
  })

test('what is no policy is told in one sentence, and nothing is started', async (t) => {
  const cluster = await aCluster(t)
  const { env, folder } = cluster
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const bad: readonly (readonly [string, RegExp])[] = [
    [join(folder, 'none.js'), /none\.js is no policy: there is no file .*none\.js$/],
    [file('a.js', 'export default 5'), /its default export is no object$/],
    [file('b.js', 'export default { rankRole: () => 0 }'), /it has no function rankMember$/],
    [file('c.js', 'export default {{'), /it cannot be loaded: SyntaxError/],
    [file('d.js', `${MODULE.replace('share / weight', 'NaN')}`), /rankRole gave NaN/],
    [file('e.js', 'process.exit(0)'), /it ends its process$/],
    [
      file('h.js', `${MODULE.replace('share / weight', 'share.none.of')}`),
      /is no policy: it threw TypeError: Cannot read properties of undefined \(reading 'of'\)$/,
    ],
    [file('f.js', "throw new Error('ouch')"), /it cannot be loaded: Error: ouch$/],
  ]
  for (const [path, sentence] of bad) {
    for (const command of ['allocator', 'dev']) {
      const { code, stderr } = await runBourse(env, command, '--policy', path)
      t.is(code, 78, stderr)
      t.regex(stderr.trimEnd(), sentence)
      t.is(stderr.trimEnd().split('\n').length, 1, stderr)
    }
  }
  const checked = await runBourse(env, 'allocator', '--check-policy', '--policy', bad[4]?.[0] ?? '')
  t.is(checked.code, 1)
  t.regex(checked.stderr, /"every rank is a finite number": rankRole gave NaN/)
  t.notRegex(checked.stderr, /is smaller for a share/)
  const good = await runBourse(env, 'allocator', '--check-policy', '--policy', file('g.js', MODULE))
  t.deepEqual(
    [good.code, good.stdout],
    [0, `${join(folder, 'g.js')} keeps what policies promise\n`],
  )
})

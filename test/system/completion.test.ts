/** Completion, by the shells themselves. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import ava from 'ava'
import { BOURSE, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { hasProgram, needs } from '../support/needs.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial
const execute = promisify(execFile)

let cluster: Cluster
let env: NodeJS.ProcessEnv
/** What `bourse completion bash` prints, made once. */
let script: string

test.before(async () => {
  cluster = await openCluster()
  await cluster.start('master', '--id', 'm1')
  await cluster.start('agent', '--id', 'node', '--emulate', '2')
  await runBourse(cluster.env, 'weights', 'prod=2', 'prod/batch=3')
  const bin = join(cluster.folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'bourse'), `#!/bin/sh\nexec '${process.execPath}' '${BOURSE}' "$@"\n`)
  chmodSync(join(bin, 'bourse'), 0o755)
  env = { ...cluster.env, PATH: `${bin}${delimiter}${process.env['PATH']}` }
  const { stdout } = await runBourse(env, 'completion', 'bash')
  script = join(cluster.folder, 'completion.bash')
  writeFileSync(script, stdout)
})
test.after.always(() => cluster.close())

/** What bash would offer after `line`. */
async function inBash(line: string, more: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  const asked = `
    source '${script}' || exit
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=($1)
    _bourse
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = await execute('bash', ['-c', asked, 'bash', line], {
    env: { ...env, ...more },
  })
  if (stderr !== '') throw new Error(stderr)
  return stdout.split('\n').filter((value) => value !== '')
}

const COMPLETED: Readonly<Record<string, readonly string[]>> = {
  'bourse sta': ['status'],
  'bourse kill --gr': ['--grace'],
  'bourse agent --isolation ': ['cgroup', 'pid-namespace', 'session'],
  'bourse run --restart ': ['never', 'on-failure'],
  'bourse dev --policy ': ['drf', 'priority', 'spread', 'binpack'],
  'bourse dev --policy priority,': ['priority,spread', 'priority,binpack'],
  'bourse allocator --policy ./mine.js,b': ['./mine.js,binpack'],
  'bourse run --role p': ['prod', 'prod/batch'],
  'bourse events ': ['master', 'allocator', 'agent', 'role', 'framework', 'offer', 'task'],
  'bourse events --nats x t': ['task'],
  'bourse dev --n': ['--nats'],
  'bourse dev --principal ': [],
  'bourse help fra': ['frameworks'],
  'bourse auth i': ['init'],
  'bourse quota ': ['get', 'set', 'remove'],
  'bourse quota get p': ['prod', 'prod/batch'],
  'bourse roles prod/': ['prod/batch'],
  'bourse status no': ['node-1', 'node-2'],
  'bourse --json agents ': ['node-1', 'node-2'],
  'bourse tasks ': [],
  'bourse agents --cluster other ': [],
  'bourse nothing ': [],
}
for (const [line, offered] of Object.entries(COMPLETED))
  test(`bash offers after "${line}": ${offered.join(', ') || 'nothing'}`, async (t) => {
    t.deepEqual(await inBash(line), offered)
  })

test('where no cluster is, nothing is offered, and nothing said', async (t) => {
  t.deepEqual(await inBash('bourse status ', { NATS_URL: 'nats://127.0.0.1:1' }), [])
  t.deepEqual(await inBash('bourse status ', { NATS_URL: 'x://' }), [])
})

for (const [shell, flags] of [
  ['zsh', ['-n']],
  ['fish', ['--no-execute']],
] as const)
  test(`${shell} reads its script`, async (t) => {
    if (!needs(t, { name: shell, found: hasProgram(shell), install: `apt-get install ${shell}` }))
      return
    const { stdout } = await runBourse(env, 'completion', shell)
    const path = join(cluster.folder, `completion.${shell}`)
    writeFileSync(path, stdout)
    await t.notThrowsAsync(execute(shell, [...flags, path]))
  })

import test from 'ava'
import { runCommandLine } from '../../../cli/program.ts'
import { type Printed, recordingIo } from '../../support/io.ts'

/** Runs `bourse ARGS` in this process, in an environment without a cluster. */
async function bourse(...args: string[]): Promise<Printed & { readonly code: number }> {
  const { io, printed } = recordingIo()
  const code = await runCommandLine(args, io)
  return { code, ...printed() }
}

const WRONG = {
  agnets: "unknown command 'agnets' (Did you mean agents?)",
  'agents --jsno': "unknown option '--jsno' (Did you mean --json?)",
  kill: "missing required argument 'task'",
  'agents a.b': '"a.b" begins no id: 1 to 64 letters, digits, _ or -',
  'help agnets': "unknown command 'agnets': `bourse help` lists them",
  'dev --nkey x': "unknown option '--nkey'",
  '--creds x dev': 'dev takes neither --nkey nor --creds: its cluster knows no credentials',
  'decode --nats x': "unknown option '--nats'",
  'help run x': "unknown command 'x': `bourse help` lists them",
  auth: 'no command is given: `bourse help auth` lists them',
  'roles a\u0001b': '"a\ufffdb" begins no role: 1 to 64 characters without white space',
  quota: 'no command is given: `bourse help quota` lists them',
  'quota get a//b':
    'ROLE: role "a//b" is not * or a path like team/batch, without white space and no - in front; no part is empty, ., .. or *',
  'quota set prod': 'neither --guarantee nor --limit is given: `bourse quota remove` ends a quota',
  'quota set prod --limit cpus=4': '--limit: "cpus=4" is no amount like cpus:4 or mem:4096',
  'quota set prod --limit cpus:1,cpus:2': '--limit: cpus stands there twice',
  'weights prod': 'ROLE=WEIGHT: "prod" is not ROLE=WEIGHT',
  'weights prod=0':
    'ROLE=WEIGHT: "prod=0": the weight is not a number from 0.001 to 1000000, written like 1000 or 0.5',
  '--json': 'no command is given: `bourse help` lists them',
  'tasks a b': "too many arguments for 'tasks': 2 instead of 1",
  'kill --grace': "option '--grace <duration>' argument missing",
  'teardown a/b': '"a/b" begins no id: 1 to 64 letters, digits, _ or -',
  'gone a/b': '"a/b" begins no id: 1 to 64 letters, digits, _ or -',
  'logs a/b/c': '"a/b/c" is neither TASK nor FRAMEWORK/TASK',
  'completion csh': 'SHELL "csh" is none of bash, zsh, fish',
  'run --cpus many -- true': '--cpus "many" is not a number from 0 to 1000000 like 2 or 0.125',
  'run --instances 0 -- true': '--instances "0" is not a whole number from 1 to 100000',
  'run --env 1=2 -- true':
    '--env "1=2" is neither NAME=VALUE nor NAME, NAME of letters, digits and _',
  'master --lease 5': '--lease: "5" is no duration like 500ms, 5s, 10m or 2h',
  'master --offer-timeout 0s': '--offer-timeout "0s" is no time at all',
  'master --agent-removals 20': '--agent-removals: "20" is no limit like 20/1m, 10%/1m or none',
  'master --replicas 2': '--replicas "2" is none of 1, 3, 5',
  'master --id a.b': '--id: id "a.b" is not 1 to 64 letters, digits, _ or -',
  'agent --resources cpus=4': '--resources: resource "cpus=4" is not name:value',
  'agent --isolation none': '--isolation "none" is none of cgroup, pid-namespace, session',
  'dev --port 65536': '--port "65536" is not a whole number from 0 to 65535',
  'kill x --grace 2h': '--grace "2h" is more than 1h',
  'agents --cluster a.b': '--cluster: cluster "a.b" is not 1 to 64 letters, digits, _ or -',
}
for (const [args, sentence] of Object.entries(WRONG))
  test(`bourse ${args}: wrong use, in one sentence`, async (t) => {
    const printed = await bourse(...args.split(' '))
    t.deepEqual(printed, { code: 64, stdout: '', stderr: `bourse: ${sentence}\n` })
  })

test('without a cluster: what to do, exit code 69', async (t) => {
  const { code, stderr } = await bourse('agents')
  t.is(code, 69)
  t.regex(stderr, /^bourse: no cluster here: start one with `bourse dev`/)
})

test('a value that is long and acts on terminals is told short and harmless', async (t) => {
  const { code, stderr } = await bourse('dev', '--port', `\u001b[2J\n${'9'.repeat(100_000)}`)
  t.is(code, 64)
  t.true(stderr.length < 1_000)
  t.regex(stderr, /^bourse: [^\p{Cc}]+ is not a whole number from 0 to 65535\n$/u)
})

for (const args of [[], ['--help'], ['help']])
  test(`bourse ${args.join(' ')}: what there is, by what one wants`, async (t) => {
    const { code, stdout, stderr } = await bourse(...args)
    t.is(code, 0)
    t.is(stderr, '')
    for (const text of [
      'Start here:\n  bourse dev ',
      '\nLook:\n  bourse agents ',
      '\nAct:\n',
      '\nOne actor, one process:\n  bourse master ',
      '\nExit codes: 0 done',
    ])
      t.true(stdout.includes(text), text)
    t.true(stdout.split('\n').every((line) => line.length <= 100))
  })

test('help of a command holds its flags with defaults, and examples', async (t) => {
  const { code, stdout } = await bourse('help', 'kill')
  t.is(code, 0)
  t.regex(stdout, /--grace <duration> .*\(default: what its framework asked for, else 3s\)/)
  t.regex(stdout, /Examples:\n {2}bourse kill sh-0\n/)
  t.is(stdout, (await bourse('kill', '--help')).stdout)
  t.is((await bourse('help', 'auth', 'init')).stdout, (await bourse('auth', 'init', '-h')).stdout)
})

test('help shows the flags that a command takes, each default once', async (t) => {
  const flags = async (...args: string[]) =>
    (await bourse('help', ...args)).stdout
      .match(/^ {2}(?:-., )?--[a-z-]+/gm)
      ?.map((text) => text.trim())
  t.deepEqual(await flags('decode'), ['-h, --help'])
  t.deepEqual(await flags('completion'), ['-h, --help'])
  t.false((await flags('dev'))?.includes('--principal'))
  t.true((await flags('agents'))?.includes('--principal'))
  t.notRegex((await bourse('help', 'dev')).stdout, /default.*default/)
  t.regex((await bourse('help', 'auth', 'add')).stdout, /USER is one of:\n {2}agent ID /)
})

test('the version alone', async (t) => {
  t.like(await bourse('--version'), { code: 0, stdout: '0.1.0\n', stderr: '' })
})

test('global flags stand before or after the command', async (t) => {
  for (const args of [
    ['--nats', 'x://', 'agents'],
    ['agents', '--nats', 'x://'],
  ])
    t.like(await bourse(...args), {
      code: 64,
      stderr: 'bourse: --nats "x://" is not the URL of a NATS server like nats://127.0.0.1:4222\n',
    })
})

test('a wrong environment is no wrong use: exit code 78', async (t) => {
  const { io, printed } = recordingIo({ env: { NATS_URL: 'x://' } })
  t.is(await runCommandLine(['agents'], io), 78)
  t.is(printed().stderr, 'bourse: NATS_URL: "x://" is no URL of a NATS server\n')
})

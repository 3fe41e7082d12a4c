/** Every flag of every command, with values that it cannot have: one sentence, exit code 64. */
import test from 'ava'
import type { Command, Option } from 'commander'
import { buildProgram, runCommandLine } from '../../../cli/program.ts'
import { recordingIo } from '../../support/io.ts'

const NUMBERS = [
  'NaN',
  '-1',
  '1e99',
  '0x10',
  '9'.repeat(30),
  ' 1',
  'Infinity',
  '1,5',
  '--json',
  '½',
]
const IDS = ['a.b', '*', '>', 'a b', 'x'.repeat(65), 'ü', '../x', 'a\n']
const DURATIONS = ['5', '5 s', '-5s', '1e3s', '5y', '99999d', 's', 'NaNs']

/** By what stands for the value in help: what is no such value. Empty ones are tried everywhere. */
const BAD_VALUES: Readonly<Record<string, readonly string[]>> = {
  '<n>': NUMBERS,
  '<MiB>': NUMBERS,
  '<duration>': DURATIONS,
  '<when>': ['yesterday', '5', '-5m', '2020-13-01', 'NaN'],
  '<sequence>': NUMBERS,
  '<id>': IDS,
  '<url>': ['foo://x', '://', 'nats://', 'nats://host:99999', 'nats://a b', 'nats://a,,nats://b'],
  '<kind>': ['none', 'CGROUP'],
  '<policy>': ['sometimes', 'on-failure:-1', 'on-failure:x'],
  '<host:port>': ['a', 'a:', ':1', 'a:0', 'a:65536', 'a b:1'],
  '<folder>': [],
  '<socket>': [],
  '<program>': [],
  '<HOST:PATH>': ['a', '/a:', ':/b', '/a:/b:rx', '/a:/b:ro:ro'],
  '<script>': [],
  '<path>': ['healthz', '/a b', '/ü', 'http://host/'],
  '<file>': [],
  '<text>': ['=', '~['],
  '<NAME=VALUE>': ['=', '1=2', 'A B=1'],
  '<amounts>': [
    ...NUMBERS,
    '=',
    'cpus',
    'cpus:',
    'cpus:-1',
    'cpus:1;cpus:2',
    'cpus:1e3',
    ';',
    'a b:1',
  ],
  '<TYPE=SOFT:HARD>': ['files=1', 'nofile', 'nofile=', 'nofile=-1', 'nofile=2:1', 'core=1:2:3'],
  '<names>': ['all', 'kill,', 'kill, chown', 'cap_none'],
  '<what>': ['ipc', 'pid,', 'user'],
  '<limit>': ['20', '0/1m', '20/0s', '101%/1m', '20/5', 'all'],
  '<list>': ['=', 'cpus', 'cpus:', ':'],
  '<part>': ['1.1', '-0.1', '0,1', '10%', 'NaN', '0.0001'],
}
/** Of flags whose value is named alike and means something else. */
const BAD_VALUES_OF: Readonly<Record<string, readonly string[]>> = {
  '--image': [],
  '--root': [],
  '--publish': ['0', '65536', 'x', '80/sctp', '8080:80'],
  '--cluster': IDS,
  '--principal': IDS,
  '--hostname': ['a b', 'x'.repeat(256), 'ü', '\u001b[2J'],
  '--region': ['x'.repeat(1_025)],
  '--lease': [...DURATIONS, '100ms', '999ms', '11m'],
}

const everyCommand = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
]
const program = buildProgram(recordingIo().io, () => undefined)
const commands = everyCommand(program)
  .slice(1)
  .filter((command) => command.helpInformation() !== '' && !isHidden(command))

function isHidden(command: Command): boolean {
  const { parent } = command
  return parent !== null && !parent.createHelp().visibleCommands(parent).includes(command)
}

/** `auth add` for a part of a command. */
function nameOf(command: Command): string {
  const { parent } = command
  return parent === null || parent.parent === null
    ? command.name()
    : `${nameOf(parent)} ${command.name()}`
}

/** Enough arguments of a harmless kind. */
const argumentsOf = (command: Command): readonly string[] =>
  command.registeredArguments
    .filter(({ required }) => required)
    .map(({ argChoices }) => argChoices?.[0] ?? 'x')

async function bourse(args: readonly string[]) {
  const { io, printed } = recordingIo()
  const code = await runCommandLine(args, io)
  return { code, ...printed() }
}

/** Of each try with a wrong value. */
const ASSERTIONS = 4
const valuesOf = (option: Option): readonly string[] => ['', ...(badValuesOf(option) ?? [])]

const badValuesOf = ({ long, flags }: Option): readonly string[] | undefined =>
  BAD_VALUES_OF[long ?? ''] ?? BAD_VALUES[/<[^>]+>$/.exec(flags)?.[0] ?? '']

for (const command of commands) {
  const name = nameOf(command)
  const options = command.options.filter(({ required }) => required)
  if (options.length > 0)
    test(`bourse ${name}: a flag with a wrong value is one sentence, exit code 64`, async (t) => {
      t.plan(ASSERTIONS * options.reduce((sum, option) => sum + valuesOf(option).length, 0))
      for (const option of options) {
        for (const value of valuesOf(option)) {
          const args = [...name.split(' '), option.long ?? '', value, ...argumentsOf(command)]
          const { code, stdout, stderr } = await bourse(args)
          const shown = JSON.stringify(args)
          t.is(code, 64, `${shown}: ${stderr}`)
          t.is(stdout, '', shown)
          t.regex(stderr, /^bourse: [^\n]+\n$/, shown)
          t.true(stderr.includes(option.long ?? ''), `${shown}: ${stderr}`)
        }
      }
    })

  test(`bourse ${name}: unknown flags and arguments too many, too few or empty, too`, async (t) => {
    const needed = argumentsOf(command)
    const isEndless = command.registeredArguments.some(({ variadic }) => variadic)
    const wrong = [
      ['--no-such-flag', ...needed],
      ...(needed.length > 0 ? [[]] : []),
      ...needed.map((_, i) => needed.toSpliced(i, 1, '')),
      ...(isEndless ? [] : [['x', 'x', 'x']]),
    ]
    for (const args of wrong) {
      const { code, stdout, stderr } = await bourse([...name.split(' '), ...args])
      t.is(code, 64, `${args.join(' ')}: ${stderr}`)
      t.is(stdout, '')
      t.regex(stderr, /^bourse: [^\n]+\n$/)
    }
  })

  test(`bourse ${name} --help has an example, defaults, and fits 80 columns`, async (t) => {
    const { io, printed } = recordingIo({ columns: 80 })
    t.is(await runCommandLine([...name.split(' '), '--help'], io), 0)
    const lines = printed().stdout.split('\n')
    t.true(lines.some((line) => /^Examples?:$/.test(line)))
    const prose = lines.filter((line) => !/^ {2}bourse /.test(line))
    t.deepEqual(
      prose.filter((line) => line.length > 80),
      [],
    )
  })
}

test('every kind of value is tried with wrong ones', (t) => {
  const untried = commands.flatMap((command) =>
    command.options
      .filter((option) => option.required && badValuesOf(option) === undefined)
      .map(({ flags }) => `${nameOf(command)} ${flags}`),
  )
  t.deepEqual(untried, ['run --name <name>', 'run --user <name>', 'run --role <role>'])
})

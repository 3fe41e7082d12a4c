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
  'agents --cluster a.b': '--cluster "a.b" is not 1 to 64 letters, digits, _ or -',
}
for (const [args, sentence] of Object.entries(WRONG))
  test(`bourse ${args}: wrong use, in one sentence`, async (t) => {
    const printed = await bourse(...args.split(' '))
    t.deepEqual(printed, { code: 64, stdout: '', stderr: `bourse: ${sentence}\n` })
  })

const WRONG_VALUES = {
  'run --cpus many -- true': 'It is a number from 0 to 1000000 like 2 or 0.125.',
  'run --instances 0 -- true': 'It is a whole number from 1 to 100000.',
  'run --env NAME -- true': 'It is NAME=VALUE, NAME of letters, digits and _.',
  'master --lease 5': '"5" is no duration like 500ms, 5s, 10m or 2h',
  'master --id a.b': 'id "a.b" is not 1 to 64 letters, digits, _ or -',
  'agent --resources cpus=4': 'resource "cpus=4" is not name:value',
  'dev --port 65536': 'It is a whole number from 0 to 65535.',
}
for (const [args, sentence] of Object.entries(WRONG_VALUES))
  test(`bourse ${args}: the value is wrong, and how`, async (t) => {
    const { code, stderr } = await bourse(...args.split(' '))
    t.is(code, 64)
    t.true(stderr.startsWith("bourse: option '"))
    t.true(stderr.endsWith(` is invalid. ${sentence}\n`), stderr)
  })

test('without a cluster: what to do, exit code 69', async (t) => {
  const { code, stderr } = await bourse('agents')
  t.is(code, 69)
  t.regex(stderr, /^bourse: no cluster here: start one with `bourse dev`/)
})

test('help goes to stdout and names the exit codes', async (t) => {
  const { code, stdout, stderr } = await bourse('--help')
  t.is(code, 0)
  t.regex(stdout, /Exit codes: 0 done/)
  t.is(stderr, '')
})

test('global flags stand before or after the command', async (t) => {
  for (const args of [
    ['--nats', 'x://', 'agents'],
    ['agents', '--nats', 'x://'],
  ])
    t.like(await bourse(...args), {
      code: 78,
      stderr: 'bourse: --nats: "x://" is no URL of a NATS server\n',
    })
})

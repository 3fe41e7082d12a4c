/** A cluster over machines of its own: only the wire between them, and credentials for everyone. */
import ava, { type ExecutionContext } from 'ava'
import { BOURSE } from '../support/cluster.ts'
import { machinesNeed } from '../support/machines.ts'
import { needs } from '../support/needs.ts'
import { openTwoMachines, type TwoMachines } from '../support/two-machines.ts'

const need = machinesNeed()
let machines: TwoMachines | undefined
ava.before(async () => {
  if (need.found) machines = await openTwoMachines()
})
ava.after.always(() => machines?.close())

const test = (title: string, run: (t: ExecutionContext, on: TwoMachines) => Promise<void>): void =>
  ava.serial(title, async (t) => {
    if (needs(t, need)) await run(t, machines as TwoMachines)
  })

const bourse = (...args: readonly string[]): readonly string[] => [
  process.execPath,
  BOURSE,
  ...args,
]

test('a run on one machine starts its tasks on both, and their output comes back', async (t, on) => {
  const flags = ['--instances', '2', '--constraint', 'hostname:unique']
  const { code, stdout, stderr } = await on.run({
    machine: 'east',
    credentials: 'framework-local.login',
    argv: bourse('run', ...flags, '--', 'sh', '-c', 'ip -4 -br address show eth0; sleep 1'),
  })
  t.is(code, 0, stderr)
  for (const name of ['east', 'west'] as const)
    t.true(stdout.includes(on.machine[name].address), stdout)
})

test('an operator elsewhere sees the agents of both machines', async (t, on) => {
  const { stdout, stderr } = await on.run({
    machine: 'west',
    credentials: 'operator-local.nk',
    argv: bourse('agents', '--json'),
  })
  const agents: readonly { agentId: string }[] = JSON.parse(stdout || 'null') ?? t.fail(stderr)
  t.deepEqual(agents.map(({ agentId }) => agentId).sort(), ['east', 'west'])
})

test('who has no credentials is not let in', async (t, on) => {
  const { code, stderr } = await on.run({
    machine: 'west',
    credentials: 'operator-local.nk',
    argv: bourse('agents'),
    env: { NATS_NKEY: '' },
  })
  t.is(code, 69)
  t.regex(stderr, /^bourse: nats:\/\/[\d.]+:4222 refuses bourse operator local\n$/)
})

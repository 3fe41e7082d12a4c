/** What is written wrongly is told before anybody is asked. */
import test from 'ava'
import { describeMisfit, roomAt } from '../../../../frameworks/run/constraints.ts'
import { containerOf } from '../../../../frameworks/run/image.ts'
import { planOf, type Wish } from '../../../../frameworks/run/plan.ts'
import type { AgentId } from '../../../../protocol/ids.ts'

const aWish: Wish = { command: ['true'], cpus: 1, mem: 32 }

const WRONG: readonly (readonly [what: string, wish: Partial<Wish>, message: RegExp])[] = [
  ['no command', { command: [] }, /^the command is empty$/],
  ['an empty program', { command: [''] }, /^the command is empty$/],
  ['a blank line for a shell', { command: ' ' }, /^the command is empty$/],
  ['an empty name', { name: '' }, /^the name has 0 characters, not 1 to 256$/],
  ['a long name', { name: 'x'.repeat(257) }, /^the name has 257 characters, not 1 to 256$/],
  ['a role with a space', { role: 'a b' }, /^role "a b" is neither \* nor a path like web /],
  ['a role that climbs', { role: 'a/../b' }, /^role /],
  ['an empty role', { role: '' }, /^role "" /],
  ['a user that is none', { user: 'Root User' }, /^user "Root User" is no name of a user /],
  ['nothing at all', { cpus: 0, mem: 0 }, /^an instance needs some cpus, mem or ports$/],
  [
    'a long command',
    { command: 'x'.repeat(31_000) },
    /^command and environment take 310\d\d bytes/,
  ],
  ['much environment', { env: { A: 'x'.repeat(31_000) } }, /of at most 30720$/],
  ['very many words', { command: Array.from({ length: 1_025 }, () => 'x') }, /argv/],
  ['a name of a variable', { env: { 'A-B': 'x' } }, /env/],
  ['a check of no port', { health: { ask: { kind: 'tcp' } } }, /^a check over the network asks/],
  [
    'a check without a pause',
    { health: { ask: { kind: 'command', command: 'true' }, intervalMs: 1 } },
    /healthCheck\.intervalMs/,
  ],
  [
    'a limit of processes in an image',
    { image: { image: 'nginx' }, rlimits: [{ type: 'core', soft: 0, hard: 0 }] },
    /^ulimits, .* are for processes, not for images and roots$/,
  ],
  ['a name that no image has', { image: { image: '-x' } }, /^"-x" is no name of an image$/],
  [
    'a published port without a network',
    { image: { image: 'nginx', network: 'none', publish: [{ containerPort: 80 }] } },
    /^ports are mapped in the network "bridge", not in "none"$/,
  ],
  ['more than there can be', { cpus: 1e12 }, /resources/],
]
for (const [what, wish, message] of WRONG)
  test(`${what} is refused`, (t) => {
    const refused = planOf({ ...aWish, ...wish })
    t.regex((refused as { message: string }).message, message)
  })

test('an image brings its command, and the ports that it publishes come first', (t) => {
  const image = { image: 'localhost:5000/web/nginx:1.2', publish: [{ containerPort: 80 }] }
  const plan = planOf({ ...aWish, command: [], ports: 1, image })
  t.like(plan, { prefix: 'nginx', wanted: { ports: 2 } })
  t.deepEqual(containerOf(image, [31_000, 31_001]), {
    kind: 'docker',
    image: image.image,
    network: 'bridge',
    portMappings: [{ hostPort: 31_000, containerPort: 80 }],
  })
  t.is(containerOf({ image: 'nginx' }, []).network, 'host')
})

test('only agents that run images are wanted for one', (t) => {
  const plan = planOf({ ...aWish, image: { image: 'nginx' } })
  const [constraint] = 'constraints' in plan ? plan.constraints : []
  const at = (text: string) => ({
    agentId: 'a1' as AgentId,
    hostname: 'h',
    attributes: [{ name: 'containerizers', text }],
  })
  t.is(constraint && roomAt(constraint, at('process'), new Map()), 0)
  t.is(constraint && roomAt(constraint, at('process,docker'), new Map()), Number.POSITIVE_INFINITY)
  t.is(
    constraint && describeMisfit(constraint, at('process')),
    'images (containerizers=docker) wanted, containerizers is process',
  )
})

test('only agents that run root filesystems are wanted for one', (t) => {
  const plan = planOf({ ...aWish, root: { root: '/srv/root' } })
  const [constraint] = 'constraints' in plan ? plan.constraints : []
  const at = (text: string) => ({
    agentId: 'a1' as AgentId,
    hostname: 'h',
    attributes: [{ name: 'containerizers', text }],
  })
  t.is(constraint && roomAt(constraint, at('process,docker'), new Map()), 0)
  t.is(constraint && roomAt(constraint, at('process,oci'), new Map()), Number.POSITIVE_INFINITY)
  const wrong = planOf({ ...aWish, root: { root: 'root' } })
  t.regex((wrong as { message: string }).message, /^a root is an absolute path/)
})

test('only agents that have each isolator asked for are wanted', (t) => {
  const linux = { noNewPrivileges: true, namespaces: ['pid' as const] }
  const plan = planOf({ ...aWish, rlimits: [{ type: 'core' }], linux })
  const constraints = 'constraints' in plan ? plan.constraints : []
  const misfits = (...attributes: { name: string; text: string }[]) => {
    const place = { agentId: 'a1' as AgentId, hostname: 'h', attributes }
    return constraints
      .filter((constraint) => roomAt(constraint, place, new Map()) === 0)
      .map((constraint) => describeMisfit(constraint, place))
  }
  const isolators = (text: string) => ({ name: 'isolators', text })
  t.deepEqual(misfits(isolators('disk,rlimits,no-new-privileges,pid-namespace')), [])
  t.is(misfits().length, 3)
  t.deepEqual(misfits(isolators('rlimits,pid-namespace')), [
    'an agent with the isolator no-new-privileges wanted, isolators is rlimits,pid-namespace',
  ])
  for (const { told } of constraints) {
    const matches = told && 'matches' in told ? (told.matches ?? '') : ''
    const has = new RegExp(`^(?:${matches})$`)
    t.true(has.test('disk,rlimits,no-new-privileges,pid-namespace'))
    t.false(has.test('mount-namespace,no-rlimits,pids'))
  }
})

test('the name is that of the program, and task ids begin with what of it they may hold', (t) => {
  const plan = (wish: Partial<Wish>) => planOf({ ...aWish, ...wish })
  t.like(plan({ command: ['/usr/bin/python3.11'] }), {
    prefix: 'python3-11',
    task: { name: 'python3.11' },
  })
  t.like(plan({ command: '  sleep 5' }), { task: { name: 'sleep' } })
  t.like(plan({ command: [`/${'x'.repeat(400)}`] }), { task: { name: 'x'.repeat(256) } })
  t.like(plan({ name: 'ünï' }), { prefix: 'n', task: { name: 'ünï' } })
})

/** What authors get wrong is said in one sentence that names it. */
import test from 'ava'
import type { ResourceWish, TaskWish } from '../../../../actors/scheduler/contract-offers.ts'
import { openScheduler, type SchedulerOptions } from '../../../../actors/scheduler/scheduler.ts'
import {
  operationsOf,
  taskOf,
  wishedResources,
  wishProblem,
} from '../../../../actors/scheduler/wishes.ts'

const DURATION = 'whole milliseconds, 0 to ten years'
const TOKEN = '1 to 64 letters, digits, _ or -'
const ROLES = "a list of 1 to 64 roles, like ['*'] or ['web', 'team/batch']"
const NATS = 'a URL like nats://127.0.0.1:4222, or { servers: [URL, …] }'
const OPTIONS: readonly (readonly [given: unknown, wrong: string])[] = [
  [undefined, 'the options must be an object, not undefined'],
  ['hello', 'the options must be an object, not "hello"'],
  [{}, 'name must be a text of 1 to 256 characters, not undefined'],
  [{ name: 42 }, 'name must be a text of 1 to 256 characters, not 42'],
  [{ name: '' }, 'name must be a text of 1 to 256 characters, not ""'],
  [
    { name: 'x'.repeat(257) },
    `name must be a text of 1 to 256 characters, not "${'x'.repeat(60)}"`,
  ],
  [{ name: 'x', roles: 'web' }, `roles must be ${ROLES}, not "web"`],
  [{ name: 'x', roles: [] }, `roles must be ${ROLES}, not []`],
  [{ name: 'x', roles: ['a b', 'c'] }, `roles must be ${ROLES}, not ["a b", …]`],
  [{ name: 'x', nats: 4222 }, `nats must be ${NATS}, not 4222`],
  [{ name: 'x', nats: { server: 'a' } }, `nats must be ${NATS}, not { server }`],
  [{ name: 'x', cluster: 'a.b' }, `cluster must be ${TOKEN}, not "a.b"`],
  [{ name: 'x', principal: '>' }, `principal must be ${TOKEN}, not ">"`],
  [{ name: 'x', frameworkId: 'my app' }, `frameworkId must be ${TOKEN}, not "my app"`],
  [{ name: 'x', secret: 'short' }, 'secret must be 8 to 128 printable ASCII characters'],
  [{ name: 'x', failoverMs: -1 }, `failoverMs must be ${DURATION}, not -1`],
  [{ name: 'x', failoverMs: '5s' }, `failoverMs must be ${DURATION}, not "5s"`],
  [{ name: 'x', openTimeoutMs: Number.NaN }, `openTimeoutMs must be ${DURATION}, not NaN`],
  [{ name: 'x', suppressed: 'yes' }, 'suppressed must be true or false, not "yes"'],
  [{ name: 'x', standby: 1 }, 'standby must be true or false, not 1'],
  [{ name: 'x', instance: 'a b' }, `instance must be ${TOKEN}, not "a b"`],
  [{ name: 'x', leaseMs: 999 }, 'leaseMs must be whole milliseconds, 1000 to 600000, not 999'],
  [
    { name: 'x', instance: 'a', frameworkId: 'f' },
    'instances of one framework have its frameworkId and secret in common',
  ],
  [{ name: 'x', signal: {} }, 'signal must be an AbortSignal, not {}'],
  [{ name: 'x', onFault: {} }, 'onFault must be a function, not {}'],
  [
    { name: 'x', capabilities: ['GPUS'] },
    'capabilities.0 must be "GPU_RESOURCES" or "REGION_AWARE"',
  ],
  [
    { name: 'x', constraints: [[{ attribute: 'rack', equals: 'r1' }]] },
    'constraints must be object',
  ],
  [
    { name: 'x', constraints: { '*': [[{ attribute: 'rack', equals: 1 }]] } },
    'constraints.*.0.0.equals must be string',
  ],
  [
    { name: 'x', constraints: { web: [[{ attribute: 'rack', equals: 'a', matches: 'b' }]] } },
    'constraints.web.0.0 must have one of exists, equals, notEquals, matches, notMatches',
  ],
  [
    { name: 'x', constraints: { '*': [[{ attribute: 'a', exists: true }, { attribute: 'b' }]] } },
    'constraints.*.0.1 must have one of exists, equals, notEquals, matches, notMatches',
  ],
  [{ name: 'x', minAllocatable: { '*': { cpus: 1 } } }, 'minAllocatable.* must be array'],
  [
    {
      name: 'x',
      constraints: {
        '*': Array(16).fill(Array(16).fill({ attribute: 'rack', equals: 'x'.repeat(200) })),
      },
    },
    'what is wanted of offers takes 59981 bytes, of at most 32768',
  ],
  [{ name: 'x', constraints: { y: [] } }, 'constraints.y: y is none of its roles'],
  [
    { name: 'x', roles: ['web'], minAllocatable: { '*': [] } },
    'minAllocatable.*: * is none of its roles',
  ],
  [{ name: 'x', role: 'web' }, 'there is no option "role"'],
  [
    { failoverMs: 1.5 },
    `name must be a text of 1 to 256 characters, not undefined; failoverMs must be ${DURATION}, not 1.5`,
  ],
]
for (const [given, wrong] of OPTIONS)
  test(`openScheduler: ${wrong.slice(0, 150)}`, async (t) => {
    await t.throwsAsync(openScheduler(given as SchedulerOptions), {
      code: 'scheduler/option',
      message: `openScheduler: ${wrong}`,
    })
  })

const RESOURCES = { cpus: 1 }
const WISHES: readonly (readonly [wish: unknown, wrong: string])[] = [
  [undefined, 'must have a command and resources, not be undefined'],
  ['true', 'must have a command and resources, not be "true"'],
  [
    { resources: RESOURCES },
    'command must be a text for /bin/sh, or a list of a program and its arguments, not undefined',
  ],
  [
    { command: '', resources: RESOURCES },
    'command must be a text for /bin/sh, or a list of a program and its arguments, not ""',
  ],
  [
    { command: [], resources: RESOURCES },
    'command must be a text for /bin/sh, or a list of a program and its arguments, not []',
  ],
  [
    { command: ['sleep', 1], resources: RESOURCES },
    'command must be a text for /bin/sh, or a list of a program and its arguments, not ["sleep", …]',
  ],
  [{ command: 'true' }, 'resources must be amounts, like { cpus: 0.5, mem: 32 }, not undefined'],
  [
    { command: 'true', resources: { cpus: -1 } },
    'resources.cpus must be a number, 0 to 1000000000, not -1',
  ],
  [
    { command: 'true', resources: { mem: '32' } },
    'resources.mem must be a number, 0 to 1000000000, not "32"',
  ],
  [
    { command: 'true', resources: { cpus: Number.NaN } },
    'resources.cpus must be a number, 0 to 1000000000, not NaN',
  ],
  [{ command: 'true', resources: { 'c p': 1 } }, 'resources: "c p" names no resource'],
  [
    { command: 'true', resources: [{ scalar: 1 }] },
    "resources.0 must have required property 'name'",
  ],
  [
    { command: 'true', resources: [{ name: 'cpus' }] },
    'resource cpus has not exactly one of scalar, ranges, set',
  ],
  [{ command: 'true', resources: RESOURCES, taskId: 'a b' }, `taskId must be ${TOKEN}, not "a b"`],
  [
    { command: 'true', resources: RESOURCES, name: 42 },
    'name must be a text of at most 256 characters, not 42',
  ],
  [
    { command: 'true', resources: RESOURCES, env: { A: 1 } },
    'env must be names of variables with texts as values, not { A }',
  ],
  [
    { command: 'true', resources: RESOURCES, env: 'A=1' },
    'env must be names of variables with texts as values, not "A=1"',
  ],
  [
    { command: 'true', resources: RESOURCES, env: ['A=1'] },
    'env must be names of variables with texts as values, not ["A=1"]',
  ],
  [
    { command: 'true', resources: RESOURCES, env: null },
    'env must be names of variables with texts as values, not null',
  ],
  [
    { command: 'true', resources: RESOURCES, user: 'A B' },
    'user must be the name of a user, not "A B"',
  ],
  [
    { command: 'true', resources: RESOURCES, killGraceMs: -1 },
    'killGraceMs must be whole milliseconds, 0 to an hour, not -1',
  ],
  [
    { command: 'true', resources: RESOURCES, limits: { cpus: -1 } },
    'limits must be amounts of cpus and mem, not { cpus }',
  ],
  [
    { command: 'true', resources: RESOURCES, labels: 'x' },
    'labels must be names with texts as values, not "x"',
  ],
]
for (const [wish, wrong] of WISHES)
  test(`a wish: ${wrong} (${JSON.stringify(wish)})`, (t) => {
    const good = { command: 'true', resources: RESOURCES }
    const separator = wrong.startsWith('must') ? '' : ':'
    t.is(wishProblem([good, wish as TaskWish]), `task 2${separator} ${wrong}`)
    t.notThrows(() => taskOf(wish as TaskWish, () => 'any'))
  })

test('nothing is wrong with a wish that uses everything', (t) => {
  const wish: TaskWish = {
    taskId: 't-1',
    name: 'all',
    command: ['sh', '-c', 'true', ''],
    env: { PATH: '/bin' },
    user: 'nobody',
    resources: [
      { name: 'ports', ranges: [[31_000, 31_000]] },
      { name: 'cpus', scalar: 0.5 },
    ],
    limits: { cpus: 1, mem: 64 },
    killGraceMs: 0,
    labels: { a: 'b' },
  }
  t.is(wishProblem([wish]), undefined)
})

test('a wish that changes after it was handed over changes nothing', (t) => {
  const wish = { command: ['a'], resources: [{ name: 'cpus', scalar: 1 }], env: { A: '1' } }
  const task = taskOf(wish, () => 'any')
  wish.command.push('b')
  wish.env.A = '2'
  for (const entry of wish.resources) entry.scalar = 2
  t.deepEqual(task, {
    taskId: 'any' as never,
    command: { argv: ['a'], env: { A: '1' } },
    resources: [{ name: 'cpus', scalar: 1 }],
  })
})

test('resources that are given as two kinds are none', (t) => {
  const twice = [
    { name: 'x', scalar: 1 },
    { name: 'x', set: ['a'] },
  ]
  t.like(wishedResources(twice as ResourceWish), { name: 'invalid' })
})

test('tasks between groups are launched one by one, and all keep their order', (t) => {
  const wish = (taskId: string): TaskWish => ({ taskId, command: 'true', resources: RESOURCES })
  const wishes = [wish('a'), wish('b'), { group: [wish('c'), wish('d')] }, wish('e')]
  const operations = operationsOf(wishes, () => 'none')
  t.deepEqual(
    operations.map(({ kind, tasks }) => [kind, ...tasks.map(({ taskId }) => taskId)]),
    [
      ['launch', 'a', 'b'],
      ['launch-group', 'c', 'd'],
      ['launch', 'e'],
    ] as never,
  )
  t.is(wishProblem(wishes), undefined)
  t.is(wishProblem([wish('a'), { group: [] }]), 'item 2: a group must have at least one task')
  t.regex(
    wishProblem([wish('a'), { group: [wish('b'), { ...wish('c'), command: '' }] }]) ?? '',
    /^task 3: command must be/,
  )
})

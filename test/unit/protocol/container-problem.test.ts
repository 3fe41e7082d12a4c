import test from 'ava'
import { listWith } from '../../../protocol/agent-attributes.ts'
import { check } from '../../../protocol/check.ts'
import { problemOfContainer } from '../../../protocol/container-problem.ts'
import type { DockerContainer } from '../../../protocol/schema/task-container.ts'

const PORTS = [[31_000, 31_001]] as const
const command = { shell: 'true' }
const image = (more: Partial<DockerContainer> = {}): DockerContainer => ({
  kind: 'docker',
  image: 'nginx',
  ...more,
})
const problemOf = (more: Partial<DockerContainer>): string | undefined =>
  problemOfContainer({ command, container: image(more) }, PORTS)

for (const name of [
  'nginx',
  'localhost/own:2',
  'localhost:5000/a/b_c:v1.2',
  'docker.io/library/redis@sha256:'.concat('a'.repeat(64)),
  'a'.repeat(64),
]) {
  test(`${name.slice(0, 40)} names an image`, (t) => {
    t.is(problemOf({ image: name }), undefined)
  })
}

for (const name of [
  '--privileged',
  'a b',
  '../x',
  'a//b',
  'Nginx',
  'a:',
  'a@sha256:1',
  '\u001b[2J',
]) {
  test(`${JSON.stringify(name)} names no image`, (t) => {
    t.is(problemOf({ image: name }), `${JSON.stringify(name)} is no name of an image`)
  })
}

type Bad = readonly [what: string, more: Partial<DockerContainer>, sentence: string]

const badVolume = (hostPath: string): Bad => [
  `a volume at ${hostPath}`,
  { volumes: [{ hostPath, containerPath: '/x' }] },
  `a volume has an absolute path without "..", not ${JSON.stringify(hostPath)}`,
]

const BAD: readonly Bad[] = [
  [
    'a port of another',
    { network: 'bridge', portMappings: [{ hostPort: 22, containerPort: 80 }] },
    'port 22 is none of those that it was given',
  ],
  [
    'a port twice',
    {
      network: 'bridge',
      portMappings: [
        { hostPort: 31_000, containerPort: 80 },
        { hostPort: 31_000, containerPort: 81, protocol: 'tcp' },
      ],
    },
    'port 31000/tcp is mapped twice',
  ],
  [
    'a mapped port without a bridge',
    { portMappings: [{ hostPort: 31_000, containerPort: 80 }] },
    'ports are mapped in the network "bridge", not in "host"',
  ],
  ...['x', '/x/../y', '/x/', '/./x', '/x//y'].map(badVolume),
  [
    'a volume in place of the root',
    { volumes: [{ hostPath: '/x', containerPath: '/' }] },
    'no volume can take the place of the root',
  ],
  [
    'a volume in its sandbox',
    { volumes: [{ hostPath: '/x', containerPath: '/mnt/bourse/sandbox/x' }] },
    '/mnt/bourse/sandbox is the sandbox and no place for a volume',
  ],
  [
    'two volumes at one path',
    {
      volumes: [
        { hostPath: '/x', containerPath: '/z' },
        { hostPath: '/y', containerPath: '/z' },
      ],
    },
    'two volumes are to be at "/z"',
  ],
]

for (const [what, more, sentence] of BAD) {
  test(`an image with ${what} is refused by name`, (t) => {
    t.is(problemOf(more), sentence)
  })
}

test('only an image has a command of its own', (t) => {
  const twice = 'the command has not exactly one of argv and shell'
  t.is(problemOfContainer({ command: {} }, []), twice)
  t.is(problemOfContainer({ command: { argv: ['a'], shell: 'b' }, container: image() }, []), twice)
  t.is(problemOfContainer({ command: {}, container: image() }, []), undefined)
})

test('what only processes are given is refused with an image', (t) => {
  const sentence =
    'rlimits and linux (capabilities, namespaces, noNewPrivileges) are given to processes, not to images'
  t.is(problemOfContainer({ command, container: image(), linux: {} }, []), sentence)
  t.is(problemOfContainer({ command, container: image(), rlimits: [] }, []), sentence)
})

test('a task without a network is checked by a command only', (t) => {
  const container = image({ network: 'none' })
  const sentence = 'a task in the network "none" can be checked by a command only'
  t.is(problemOfContainer({ command, container, check: { tcp: { port: 80 } } }, []), sentence)
  const well = { command, container, healthCheck: { command } }
  t.is(problemOfContainer(well, []), undefined)
})

test('a kind that nobody knows is refused with those that there are', (t) => {
  const task = { taskId: 'a', resources: {}, command, container: { kind: 'vm' } }
  const accept = { offers: ['o'], operations: [{ kind: 'launch', tasks: [task] }] }
  const checked = check('Accept', accept)
  t.regex(checked.ok ? '' : checked.refusal.message, /container.*kind.*docker/)
})

test('an agent that has it is found by one expression, among others', (t) => {
  const has = new RegExp(`^(?:${listWith('docker')})$`)
  t.deepEqual(
    ['docker', 'process,docker', 'process,docker,oci', 'process', 'process,dockers'].map((one) =>
      has.test(one),
    ),
    [true, true, true, false, false],
  )
})

test('a root is an absolute path, its volumes are like those of images', (t) => {
  const oci = (more: object) =>
    problemOfContainer({ command, container: { kind: 'oci', root: '/srv/root', ...more } }, [])
  t.is(oci({}), undefined)
  t.is(oci({ root: '/a/../b' }), 'a root is an absolute path without "..", not "/a/../b"')
  t.is(oci({ root: 'a' }), 'a root is an absolute path without "..", not "a"')
  t.regex(oci({ volumes: [{ hostPath: 'x', containerPath: '/x' }] }) ?? '', /^a volume has an/)
  const none = { kind: 'oci', root: '/r', network: 'none' } as const
  const check = { tcp: { port: 1 } }
  t.regex(problemOfContainer({ command, container: none, check }, []) ?? '', /by a command only$/)
  t.regex(problemOfContainer({ command: {}, container: none }, []) ?? '', /exactly one of argv/)
})

import test from 'ava'
import { type Checked, check } from '../../../protocol/check.ts'
import { REFUSAL_LENGTH_MAX } from '../../../protocol/limits.ts'
import { MESSAGES, type MessageName } from '../../../protocol/schema/messages.ts'
import { corpus } from '../../support/corpus.ts'

const LEADER = { epoch: 1, run: '00000000000000aa' }
const SESSION = '00000000000000bb'

const messageOf = (checked: Checked<MessageName>): string =>
  checked.ok ? 'accepted' : `${checked.refusal.code} ${checked.refusal.message}`

test('a complete message is taken', (t) => {
  const body = { secret: 'swordfish', name: 'me' }
  t.deepEqual(check('Subscribe', body), { ok: true, value: body })
})

test('a wrong field is named, wherever it stands', (t) => {
  const subscribe = { secret: 'swordfish', name: 'me' }
  t.is(
    messageOf(check('Subscribe', { ...subscribe, secret: 'short' })),
    '400 Subscribe: secret must be 8 to 128 printable ASCII characters',
  )
  t.is(
    messageOf(check('Subscribe', { ...subscribe, roles: ['*', 'a//b'] })).replace(/ must.*/, ''),
    '400 Subscribe: roles.1',
  )
  t.is(
    messageOf(check('Subscribe', { secret: 'swordfish' })),
    "400 Subscribe: message must have required property 'name'",
  )
  t.is(messageOf(check('Subscribe', 7)), '400 Subscribe: message must be object')
  t.is(messageOf(check('Subscribe', null)), '400 Subscribe: message must be object')
  t.is(messageOf(check('Subscribe', [])), '400 Subscribe: message must be object')
})

test('what is longer than it may be is too large, by name', (t) => {
  const subscribe = { secret: 'swordfish', name: 'me' }
  for (const body of [
    { ...subscribe, roles: Array.from({ length: 65 }, (_, i) => `r${i}`) },
    { ...subscribe, name: 'x'.repeat(257) },
  ])
    t.regex(messageOf(check('Subscribe', body)), /^413 Subscribe: (roles|name) must NOT have more/)
})

test('a time that no calendar knows is none', (t) => {
  const status = { taskId: 't', state: 'TASK_RUNNING', source: 'agent' }
  const at = (atMs: number) => check('StatusUpdates', { statuses: [{ ...status, atMs }] }).ok
  t.true(at(Date.UTC(9999, 11, 31)))
  t.false(at(Number.MAX_SAFE_INTEGER))
})

test('unknown fields are removed at every depth', (t) => {
  const body = {
    secret: 'swordfish',
    name: 'me',
    colour: 'red',
    version: { min: 1, max: 1, mood: 'good' },
  }
  t.deepEqual(check('Subscribe', body), {
    ok: true,
    value: { secret: 'swordfish', name: 'me', version: { min: 1, max: 1 } },
  })
})

test('unknown fields of an operator are refused by name', (t) => {
  t.true(check('Listing', { prefix: 'a' }).ok)
  t.is(
    messageOf(check('Listing', { prefix: 'a', colour: 'red' })),
    '400 Listing: message must NOT have additional properties (colour)',
  )
})

test('what a stranger wrote is repeated in part only: the answer must travel', (t) => {
  const checked = check('Listing', { ['x'.repeat(255_000)]: 1 })
  if (checked.ok) return t.fail('it was taken')
  t.is(checked.refusal.message.length, REFUSAL_LENGTH_MAX)
})

test('every call of an operator is strict, and nothing else is', (t) => {
  const strict = Object.entries(MESSAGES).filter(([, entry]) => 'strict' in entry)
  for (const [name, entry] of Object.entries(MESSAGES)) {
    t.is('strict' in entry, entry.from === 'operator', name)
    const checked = check(name as MessageName, { anEntirelyUnknownField: 1 })
    if (!checked.ok) {
      t.is(
        checked.refusal.message.includes('anEntirelyUnknownField'),
        'strict' in entry && !checked.refusal.message.includes('required'),
        name,
      )
    }
  }
  t.is(strict.length, 12)
})

test('an item says by its kind what it is, and is checked as that', (t) => {
  const orders = (order: object) =>
    messageOf(
      check('AgentOrders', { ...LEADER, session: SESSION, n: 1, heard: 0, orders: [order] }),
    )
  const task = { principal: 'p', frameworkId: 'f', taskId: 't' }
  t.is(orders({ kind: 'kill', ...task }), 'accepted')
  t.is(orders({ kind: 'ping' }), 'accepted')
  const kinds = /^400 AgentOrders: orders\.0\.kind must be "invite" or "registered" or .*"ping" or /
  t.regex(orders({ kind: 'non sense' }), kinds)
  t.regex(orders({}), /^400 AgentOrders: orders\.0 must have required property 'kind'$/)
  const words = /orders\.0\.taskId must be 1 to 64 letters, digits, _ or -$/
  t.regex(orders({ kind: 'kill', ...task, taskId: 'a.b' }), words)
  t.regex(orders({ kind: 'kill', ...task, graceMs: -1 }), /orders\.0\.graceMs must be >= 0/)
  t.regex(orders({ kind: 'kill', ...task, graceMs: 1.5 }), /orders\.0\.graceMs must be integer/)
})

test('unknown fields of an item are removed', (t) => {
  const body = { ...LEADER, session: SESSION, n: 1, heard: 0, figures: [{ kind: 'ping', x: 1 }] }
  const checked = check('AllocatorFigures', body)
  t.deepEqual(checked.ok && checked.value.figures, [{ kind: 'ping' }])
})

test('an empty list is refused where nothing would be said', (t) => {
  t.is(
    messageOf(check('Acknowledgements', { acks: [] })),
    '400 Acknowledgements: acks must NOT have fewer than 1 items',
  )
})

test('a reason that somebody newer gives is heard, and so is all that stands beside it', (t) => {
  const status = { taskId: 't', state: 'TASK_FAILED', source: 'agent', atMs: 1 }
  const saying = (reason: string) => {
    const body = { statuses: [{ ...status, reason }, status] }
    return messageOf(check('StatusUpdates', body))
  }
  t.is(saying('CONTAINER_LIMITATION_MEMORY'), 'accepted')
  t.is(saying('CONTAINER_LIMITATION_OF_ANOTHER_DAY'), 'accepted')
  t.regex(saying('no word'), /statuses\.0\.reason must be 1 to 64 letters, digits, _ or -$/)
  t.regex(saying('\x1b[31m'), /statuses\.0\.reason must be/)
})

test('an item that somebody newer says is left out of a list of a session', (t) => {
  const pong = { kind: 'pong' }
  const newer = { kind: 'moved-house', to: { street: 7 } }
  const reports = (...said: readonly unknown[]) => {
    const checked = check('AgentReports', { session: SESSION, n: 2, heard: 1, reports: said })
    return checked.ok ? checked.value.reports : messageOf(checked)
  }
  t.deepEqual(reports(newer, pong, newer), [pong])
  // It was heard all the same: its number counts.
  t.deepEqual(reports(newer), [])
  const refused = (...said: readonly unknown[]) => JSON.stringify(reports(...said))
  t.regex(refused(newer, { kind: 'settled', tasks: [] }), /reports\.0\.tasks must NOT have/)
  t.regex(refused(newer, null), /reports\.0 must be object/)
  t.regex(refused(pong, { kind: 7 }), /reports\.1/)
  t.regex(refused(pong, { kind: 'no word' }), /reports\.1\.kind must be \\"register\\" or /)
})

test('what is asked for is known, or refused by name', (t) => {
  const subscribe = { secret: 'swordfish', name: 'me', capabilities: ['TELEPATHY'] }
  t.regex(messageOf(check('Subscribe', subscribe)), /capabilities\.0 must be "GPU_RESOURCES" or /)
  const accept = { offers: ['o1'], operations: [{ kind: 'teleport', tasks: [] }] }
  t.regex(messageOf(check('Accept', accept)), /operations\.0\.kind must be "launch" or /)
})

test('what a newer leader has written about a framework is read', (t) => {
  const framework = {
    kind: 'framework',
    principal: 'p',
    frameworkId: 'f',
    secretHash: '0'.repeat(64),
    name: 'me',
    roles: ['*'],
    failoverMs: 0,
    capabilities: ['GPU_RESOURCES', 'TELEPATHY'],
  }
  const checked = check('RegistryBatch', { ...LEADER, n: 1, records: [framework] })
  t.deepEqual(checked.ok && checked.value.records, [framework as never])
})

test('what a task wants is a list of entries, or short', (t) => {
  const accept = (resources: unknown) =>
    messageOf(
      check('Accept', {
        offers: ['o1'],
        operations: [
          { kind: 'launch', tasks: [{ taskId: 't1', resources, command: { shell: 'true' } }] },
        ],
      }),
    )
  t.is(accept({ cpus: 0.5, mem: 32 }), 'accepted')
  t.is(accept([{ name: 'cpus', scalar: 0.5 }]), 'accepted')
  t.regex(accept({ cpus: -1 }), /operations\.0\.tasks\.0\.resources/)
  t.regex(accept([{ name: 'cpus', scalar: 1e13 }]), /operations\.0\.tasks\.0\.resources/)
  t.regex(accept([{ name: 'ports', ranges: [[1]] }]), /operations\.0\.tasks\.0\.resources/)
  t.regex(accept('many'), /operations\.0\.tasks\.0\.resources/)
})

test('of the shapes that a value may have, the one that was meant is spoken of', (t) => {
  const accept = (resources: unknown): string => {
    const tasks = [{ taskId: 't1', resources, command: { shell: 'true' } }]
    const said = messageOf(
      check('Accept', { offers: ['o1'], operations: [{ kind: 'launch', tasks }] }),
    )
    return said.replace('400 Accept: operations.0.tasks.0.', '')
  }
  t.is(accept({ cpus: '0.1' }), 'resources.cpus must be a number, 0 to 1000000000')
  t.is(accept({ cpus: -1 }), 'resources.cpus must be a number, 0 to 1000000000')
  t.is(
    accept({ ports: [[1, 2]] }),
    'resources.ports must be a number, 0 to 1000000000: a map holds numbers only; ranges and sets need the list form',
  )
  t.is(accept([{ name: 'cpus', scalar: '1' }]), 'resources.0.scalar must be number')
  t.is(accept([{ scalar: 1 }]), "resources.0 must have required property 'name'")
  t.regex(accept({ 'a b': 1 }), /^resources: the name "a b" must be 1 to 64 letters, digits/)
})

test('what is asked for is told in words', (t) => {
  const said = (fields: object): string =>
    messageOf(check('Subscribe', { secret: 'swordfish', name: 'me', ...fields })).replace(
      '400 Subscribe: ',
      '',
    )
  t.regex(
    said({ roles: ['a//b'] }),
    /^roles\.0 must be \* or a path like team\/batch, without white/,
  )
  t.is(said({ version: null }), 'version must be object, not nil: what is absent is left out')
  const packed = new TextEncoder().encode('me')
  t.is(said({ name: packed }), 'name must be string, not binary: pack texts as str')
  const operations = (kind: object) =>
    messageOf(check('Accept', { offers: ['o1'], operations: [kind] }))
  t.is(
    operations({ kind: 'start' }),
    '400 Accept: operations.0.kind must be "launch" or "launch-group"',
  )
  const read = { taskId: 't', agentId: 'a', stream: 'x', offset: 0, bytesMax: 1, waitMs: 0 }
  t.is(
    messageOf(check('ReadOutput', { ...read, request: SESSION })),
    '400 ReadOutput: stream must be "stdout" or "stderr"',
  )
})

test('names in a map are checked like values: what does not match is refused, not passed over', (t) => {
  const accept = (task: object) =>
    messageOf(
      check('Accept', {
        offers: ['o1'],
        operations: [
          {
            kind: 'launch',
            tasks: [{ taskId: 't1', resources: {}, command: { shell: 'true' }, ...task }],
          },
        ],
      }),
    )
  t.is(accept({ labels: { 'any name at all': 'x' } }), 'accepted')
  t.is(accept({ command: { shell: 'x', env: { PATH: '/bin' } } }), 'accepted')
  t.regex(accept({ resources: { 'a b': 1 } }), /tasks\.0\.resources/)
  t.regex(accept({ resources: { cpus: 'many' } }), /tasks\.0\.resources/)
  t.regex(accept({ command: { shell: 'x', env: { '1BAD': 'x' } } }), /tasks\.0\.command\.env/)
  t.regex(accept({ command: { shell: 'x', env: { A: 1 } } }), /tasks\.0\.command\.env\.A/)
  t.regex(accept({ labels: { '': 'x' } }), /tasks\.0\.labels/)
  t.regex(accept({ labels: { a: ['x'] } }), /tasks\.0\.labels\.a/)
})

test('reasons are counts', (t) => {
  const explained = (counts: object) =>
    messageOf(check('AllocatorReports', { reports: [{ kind: 'explained', question: 1, counts }] }))
  t.is(explained({ filtered: 3, 'none-free': 1 }), 'accepted')
  t.is(explained({}), 'accepted')
  t.regex(explained({ filtered: 'many' }), /counts\.filtered must be integer/)
})

test('output is binary', (t) => {
  const output = { request: SESSION, taskId: 't', stream: 'stdout', offset: 0, end: false }
  t.true(check('Output', { ...output, data: new Uint8Array(3) }).ok)
  t.is(messageOf(check('Output', { ...output, data: 'abc' })), '400 Output: data must be binary')
})

test('roles are paths', (t) => {
  const role = (name: string): boolean =>
    check('Subscribe', { secret: 'swordfish', name: 'me', roles: [name] }).ok
  for (const good of ['*', 'a', 'a/b', 'a-b', 'ä/ö', '.a', 'a..b', '...']) t.true(role(good), good)
  const bad = ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/..', './a', '-a', 'a/*', '**/*', 'a b']
  for (const wrong of [...bad, 'a\tb', 'a\u007f', 'x'.repeat(257)]) t.false(role(wrong), wrong)
})

test('no bytes are more than who passes them on can put into a message', (t) => {
  const read = (path: number, after: number): string =>
    messageOf(
      check('OperatorReadSandbox', {
        principal: 'p',
        frameworkId: 'f',
        taskId: 't',
        agentId: 'a',
        want: 'list',
        offset: 0,
        bytesMax: 1,
        request: SESSION,
        path: new Uint8Array(path),
        after: new Uint8Array(after),
      }),
    )
  t.is(read(4_095, 4_095), 'accepted')
  const tooLong = 'must NOT have more than 4095 bytes'
  t.is(read(4_096, 0), `413 OperatorReadSandbox: path ${tooLong}`)
  t.is(read(0, 4_096), `413 OperatorReadSandbox: after ${tooLong}`)
})

/** What files hold and are called may be any bytes. */
const BINARY: Readonly<Partial<Record<MessageName, string>>> = {
  Output: '^data$',
  OperatorReadSandbox: '^(path|after)$',
  AgentOrders: String.raw`^orders\.\d+\.(path|after)$`,
  SandboxPiece: String.raw`^content\.(data|(entry|entries\.\d+)\.(name|target))$`,
}

test('binary stands only where it is wanted: nothing is ever thrown about it', (t) => {
  const bin = Uint8Array.of(1, 2, 3)
  const spoil = (root: unknown, ...path: (string | number)[]): unknown => {
    const [key, ...rest] = path
    if (key === undefined) return bin
    const copy: unknown = Array.isArray(root) ? [...root] : { ...(root as object) }
    Object.assign(copy as object, { [key]: spoil((root as never)[key], ...rest) })
    return copy
  }
  const everyPath = (value: unknown): (string | number)[][] => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [[]]
    const keys = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value)
    return [[], ...keys.flatMap((key) => everyPath((value as never)[key]).map((p) => [key, ...p]))]
  }
  const all = [...corpus()].flatMap(([name, examples]) =>
    examples.flatMap((example) => everyPath(example).map((path) => ({ name, example, path }))),
  )
  t.true(all.length > 1_000)
  for (const { name, example, path } of all) {
    const isWanted = new RegExp(BINARY[name] ?? '^$').test(path.join('.'))
    const { ok } = check(name, structuredClone(spoil(example, ...path)))
    if (ok && !isWanted) t.fail(`${name} takes binary for ${path.join('.')}`)
  }
})

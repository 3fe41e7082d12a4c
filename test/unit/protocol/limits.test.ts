import test from 'ava'
import { encode } from '../../../bus/codec.ts'
import { check } from '../../../protocol/check.ts'
import { REFUSAL_CODES, refusal } from '../../../protocol/errors.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  FILE_READ_BYTES_MAX,
  FOUND_SANDBOXES_MAX,
  LINK_TARGET_BYTES_MAX,
  LIST_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  SANDBOX_ENTRY_BYTES,
  SANDBOX_PATH_BYTES_MAX,
  SANDBOX_PIECE_BYTES_MAX,
} from '../../../protocol/limits.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'

const RUN = 'ffffffffffffffff'
const BIG = Number.MAX_SAFE_INTEGER - 2 ** 20

/** The tasks of an accept that takes as many bytes and tasks as it may. */
function largestAccept(count: number) {
  const task = (i: number, shell: string) => ({
    taskId: `task-${i}`,
    resources: { cpus: 0.1 },
    command: { shell },
  })
  const fixed = wireBytes({
    offers: ['o'],
    operations: [{ kind: 'launch', tasks: Array.from({ length: count }, (_, i) => task(i, 'x')) }],
  })
  const more = Math.floor((ACCEPT_BYTES_MAX - fixed) / count) - 4
  return Array.from({ length: count }, (_, i) => task(i, 'x'.repeat(Math.max(1, more))))
}

for (const count of [ACCEPT_TASKS_MAX, 16]) {
  test(`the largest accept of ${count} tasks travels to the agent in one message`, (t) => {
    const tasks = largestAccept(count)
    const accept = { offers: ['o'], operations: [{ kind: 'launch', tasks }] }
    t.true(wireBytes(accept) <= ACCEPT_BYTES_MAX)
    t.true(wireBytes(accept) > ACCEPT_BYTES_MAX * 0.9)
    const run = {
      kind: 'run',
      principal: 'p'.repeat(64),
      frameworkId: 'f'.repeat(64),
      subscription: { epoch: BIG, count: BIG },
      role: 'r'.repeat(256),
      resourcesVersion: BIG,
      tasks: tasks.map((task) => ({ launch: `${BIG}-${RUN}-${BIG}`, task })),
    }
    t.true(wireBytes(run) <= LIST_BYTES_MAX, `${wireBytes(run)}`)
    const orders = { epoch: BIG, run: RUN, session: RUN, n: BIG, heard: BIG, orders: [run] }
    t.true(encode(orders).length <= MESSAGE_BYTES_MAX)
    t.true(check('AgentOrders', orders).ok)
  })
}

const TOKEN = 'x'.repeat(64)
const FRAMEWORK = { principal: TOKEN, frameworkId: TOKEN }
const LAUNCH = `${BIG}-${RUN}-${BIG}`

test('the longest question about a sandbox travels to the agent in one message', (t) => {
  const look = {
    ...FRAMEWORK,
    taskId: TOKEN,
    launch: LAUNCH,
    path: new Uint8Array(SANDBOX_PATH_BYTES_MAX),
    want: 'read',
    after: new Uint8Array(SANDBOX_PATH_BYTES_MAX),
    offset: Number.MAX_SAFE_INTEGER,
    bytesMax: FILE_READ_BYTES_MAX,
    request: RUN,
  }
  t.true(check('OperatorReadSandbox', { ...look, agentId: TOKEN }).ok)
  const order = { kind: 'send-sandbox', ...look }
  t.true(wireBytes(order) <= LIST_BYTES_MAX)
  const orders = { epoch: BIG, run: RUN, session: RUN, n: BIG, heard: BIG, orders: [order] }
  t.true(check('AgentOrders', orders).ok)
})

const ENTRY = {
  name: new Uint8Array(SANDBOX_PATH_BYTES_MAX),
  type: 'folder',
  sizeBytes: Number.MAX_SAFE_INTEGER,
  mode: 0o7777,
  changedAtMs: 253_402_300_799_998.5,
  target: new Uint8Array(LINK_TARGET_BYTES_MAX),
}

test('the largest piece of what lies in a sandbox is one message', (t) => {
  const file = {
    kind: 'file',
    offset: Number.MAX_SAFE_INTEGER,
    sizeBytes: Number.MAX_SAFE_INTEGER,
    version: 'é'.repeat(64),
    mode: 0o7777,
    data: new Uint8Array(SANDBOX_PIECE_BYTES_MAX),
    zeroBytes: Number.MAX_SAFE_INTEGER,
    goneBytes: Number.MAX_SAFE_INTEGER,
  }
  const { name, target } = ENTRY
  t.true(wireBytes(ENTRY) - name.length - target.length <= SANDBOX_ENTRY_BYTES)
  const short = { ...ENTRY, name: new Uint8Array(1), target: new Uint8Array(1) }
  const count = Math.floor(SANDBOX_PIECE_BYTES_MAX / (SANDBOX_ENTRY_BYTES + 2))
  const folder = { kind: 'folder', entries: Array.from({ length: count }, () => short), more: true }
  for (const content of [file, folder, { kind: 'entry', entry: ENTRY }]) {
    const piece = { request: RUN, taskId: TOKEN, part: 1_000_000, last: true, content }
    t.true(check('SandboxPiece', piece).ok)
    t.true(encode(piece).length <= MESSAGE_BYTES_MAX)
  }
})

test('the most sandboxes that an agent may name are one message', (t) => {
  const one = { ...FRAMEWORK, taskId: TOKEN, launch: LAUNCH, endedAtMs: 253_402_300_799_999 }
  const sandboxes = Array.from({ length: FOUND_SANDBOXES_MAX }, () => one)
  const found = { request: RUN, sandboxes, more: true }
  t.true(check('SandboxesFound', found).ok)
  t.true(encode(found).length <= MESSAGE_BYTES_MAX)
})

test('every refusal has its code', (t) => {
  for (const [name, code] of Object.entries(REFUSAL_CODES)) {
    const made = refusal(name as keyof typeof REFUSAL_CODES, 'why')
    t.deepEqual(made, { code, name: name as keyof typeof REFUSAL_CODES, message: 'why' })
    t.true(code >= 400 && code < 600)
  }
})

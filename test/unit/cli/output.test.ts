import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { COLUMNS, whyOf } from '../../../cli/columns.ts'
import { sentenceOf } from '../../../cli/counters.ts'
import { agentLines } from '../../../cli/details.ts'
import { fieldLines, jsonLine } from '../../../cli/io.ts'
import { tableLines } from '../../../cli/table.ts'
import type { AgentId, FrameworkId, InstanceId, Principal } from '../../../protocol/ids.ts'
import type { AgentItem, FrameworkItem } from '../../../protocol/schema/operator.ts'

test('JSON acts on no terminal', (t) => {
  const value = { text: 'a\u001b[2J\u009b\u202e\u2028é' }
  const line = jsonLine(value)
  t.is(line, '{"text":"a\\u001b[2J\\u009b\\u202e\\u2028é"}')
  t.deepEqual(JSON.parse(line), value)
})

test('fields stand under each other, and unknown ones are left out', (t) => {
  t.deepEqual(fieldLines({ id: 'a', name: undefined, 'a longer one': 'x\u0007' }), [
    'id            a',
    'a longer one  x\ufffd',
  ])
})

test('what was said about an end wins over its status', (t) => {
  t.is(
    whyOf({ exit: { code: 3 }, message: 'command exited with status 3' }),
    'command exited with status 3',
  )
  t.is(whyOf({ exit: { code: 3 } }), 'exit 3')
  t.is(whyOf({ exit: { signal: 9 } }), 'SIGKILL')
  t.is(whyOf({}), '')
})

test('an agent is shown with what is used of what it has', (t) => {
  const agent: AgentItem = {
    agentId: 'a1' as AgentId,
    hostname: 'node-1',
    state: 'registered',
    total: [
      { name: 'cpus', scalar: 4 },
      { name: 'mem', scalar: 1024 },
      { name: 'ports', ranges: [[31_000, 31_009]] },
    ],
    used: [
      { name: 'cpus', scalar: 0.5 },
      { name: 'ports', ranges: [[31_000, 31_001]] },
    ],
    offered: [],
    tasks: 2,
    attributes: [],
    registeredAtMs: 1_000,
  }
  t.deepEqual(tableLines(COLUMNS.agents(66_000), [agent]), [
    'AGENT  HOST    STATE        CPUS     MEM  PORTS  TASKS   FOR',
    'a1     node-1  registered  0.5/4  0/1024   2/10      2  1m5s',
  ])
})

test('how long an agent or a framework is as it is counts from when it came to be so', (t) => {
  const none = { total: [], used: [], offered: [], tasks: 0, attributes: [] }
  const agent = { ...none, agentId: 'a1' as AgentId, registeredAtMs: 1_000, sinceMs: 63_000 }
  t.regex(tableLines(COLUMNS.agents(66_000), [{ ...agent, state: 'unreachable' }])[1] ?? '', / 3s$/)
  t.true(
    agentLines({ ...agent, state: 'unreachable' }, 66_000).includes('state       unreachable (3s)'),
  )
})

test('instances are shown where there are some', (t) => {
  const framework: FrameworkItem = {
    principal: 'local' as Principal,
    frameworkId: 'web' as FrameworkId,
    name: 'web',
    state: 'away',
    roles: ['*'],
    suppressed: [],
    tasks: 0,
    offers: 0,
    used: [],
    subscribedAtMs: 1_000,
    sinceMs: 54_000,
  }
  const columns = COLUMNS.frameworks(66_000)
  t.false(tableLines(columns, [framework])[0]?.includes('INSTANCE'))
  const lines = tableLines(columns, [framework, { ...framework, instance: 'i1' as InstanceId }])
  t.deepEqual(lines, [
    'FRAMEWORK  NAME  INSTANCE  STATE  ROLES  CPUS  MEM  TASKS  OFFERS  FOR',
    'web        web             away   *         0    0      0       0  12s',
    'web        web   i1        away   *         0    0      0       0  12s',
  ])
})

test('everything that a leader counts has a sentence', (t) => {
  const folder = 'actors/master'
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(join(folder, name), 'utf8').matchAll(/\bcount\((?:turn\.)?state, '([^']+)'/g),
    ])
    .map(([, name]) => name ?? '')
  t.true(names.length > 20)
  t.deepEqual(
    names.filter((name) => sentenceOf(name) === ''),
    [],
  )
  t.is(sentenceOf('refused.malformed'), 'messages and calls that were refused: malformed')
})

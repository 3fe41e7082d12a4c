/** What a task may ask of Linux, and what no task can mean. */
import test from 'ava'
import { check } from '../../../protocol/check.ts'
import { LINUX_CAPABILITIES, RLIMITS } from '../../../protocol/linux.ts'
import { problemOfTask } from '../../../protocol/task-problem.ts'

/** What the leader's edge says of a task with these fields. */
function refusalOf(fields: object): string | undefined {
  const task = { taskId: 't', resources: { cpus: 1 }, command: { shell: 'true' }, ...fields }
  const operations = [{ kind: 'launch', tasks: [task] }]
  const checked = check('Accept', { offers: ['3-00000000000000aa-1'], operations })
  return checked.ok ? undefined : checked.refusal.message
}

test('every type of rlimit and every capability is taken', (t) => {
  const rlimits = RLIMITS.map((type) => ({ type, soft: 0, hard: Number.MAX_SAFE_INTEGER }))
  t.is(refusalOf({ rlimits, linux: { capabilities: [...LINUX_CAPABILITIES] } }), undefined)
  t.is(refusalOf({ rlimits: [], linux: {} }), undefined)
})

for (const [name, fields, field] of [
  ['an unknown rlimit', { rlimits: [{ type: 'files' }] }, 'rlimits.0.type'],
  ['a negative limit', { rlimits: [{ type: 'core', soft: -1, hard: 0 }] }, 'rlimits.0.soft'],
  ['half a limit', { rlimits: [{ type: 'core', soft: 0, hard: 0.5 }] }, 'rlimits.0.hard'],
  ['an unknown capability', { linux: { capabilities: ['root'] } }, 'linux.capabilities.0'],
  ['an unknown namespace', { linux: { namespaces: ['user'] } }, 'linux.namespaces.0'],
  ['a word for yes', { linux: { noNewPrivileges: 'yes' } }, 'linux.noNewPrivileges'],
] as const) {
  test(`${name} is refused by the name of its field`, (t) => {
    t.regex(refusalOf(fields) ?? '', new RegExp(field.replaceAll('.', '\\.')))
  })
}

test('limits that contradict each other are told in a sentence', (t) => {
  const nofile = (fields: object) => problemOfTask({ rlimits: [{ type: 'nofile', ...fields }] })
  t.is(nofile({}), undefined)
  t.is(nofile({ soft: 5, hard: 5 }), undefined)
  t.is(
    nofile({ soft: 6, hard: 5 }),
    'its rlimit nofile has a soft limit of 6, more than the hard one of 5',
  )
  t.is(
    nofile({ hard: 5 }),
    'its rlimit nofile has only one of soft and hard; without both it is unlimited',
  )
  t.is(problemOfTask({ rlimits: [{ type: 'as' }, { type: 'as' }] }), 'its rlimit as stands twice')
  t.is(
    problemOfTask({ linux: { namespaces: ['pid', 'pid'] } }),
    'pid stands twice in what it asks of linux',
  )
})

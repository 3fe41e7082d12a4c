import test from 'ava'
import type { AgentRecord, StatusBody } from '../../../../actors/agent/records.ts'
import { type Row, recordOf, rowOf } from '../../../../actors/agent/rows.ts'
import { aRef, launchOf } from './builders.ts'

const launch = launchOf('t-1')
const number = { incarnation: 2, count: 7 }
const running: StatusBody = { state: 'TASK_RUNNING', number, uuid: '0'.repeat(32), atMs: 5 }
const failed: StatusBody = {
  ...running,
  state: 'TASK_FAILED',
  reason: 'COMMAND_FAILED',
  message: 'command exited with status 3',
  exit: { code: 3 },
}
const task: AgentRecord = {
  kind: 'task',
  ...aRef('t-1'),
  role: 'a/b',
  resources: { cpus: 0.5 },
  staged: number,
}

const RECORDS: Readonly<Record<string, AgentRecord>> = {
  'a task': task,
  'a task with all it can have': { ...task, name: 'n', killGraceMs: 0, last: failed },
  'a status': { kind: 'status', launch, status: running },
  'a status with all it can have': { kind: 'status', launch, status: failed },
  'an acknowledgement': { kind: 'ack', launch },
  'the end of a task': { kind: 'forget', launch },
  'a kill': { kind: 'kill', launch, graceMs: 50 },
  'a sandbox': { kind: 'sandbox', ...aRef('t-1') },
}

for (const [name, record] of Object.entries(RECORDS)) {
  test(`${name} comes back from the log as it was`, (t) => {
    t.deepEqual(recordOf(JSON.parse(JSON.stringify(rowOf(record))) as Row), record)
  })
}

import test from 'ava'
import type { Launch, SessionId } from '../../../../protocol/ids.ts'
import type { SendOutput } from '../../../../protocol/schema/agent.ts'
import {
  anAgentThatRuns,
  aRef,
  aRegisteredAgent,
  FRAMEWORK,
  kindsOf,
  type Rig,
} from './builders.ts'

const REQUEST = 'cccccccccccccccc' as SessionId
const anOrder = (given: Partial<SendOutput> = {}): SendOutput => ({
  kind: 'send-output',
  ...FRAMEWORK,
  taskId: aRef('t-1').taskId,
  stream: 'stdout',
  offset: 10,
  bytesMax: 100,
  waitMs: 0,
  request: REQUEST,
  ...given,
})
const read = (rig: Rig, text: string, end = false) =>
  rig.hear({
    kind: 'output.read',
    request: REQUEST,
    output: { bytes: new TextEncoder().encode(text), end },
  })

test('output is read on demand and sent with its request', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { launch: _, ...sandbox } = aRef('t-1')
  t.deepEqual(rig.orders(anOrder()), [
    {
      do: 'read-output',
      request: REQUEST,
      sandbox,
      stream: 'stdout',
      offset: 10,
      bytesMax: 100,
    },
  ])
  const [effect] = read(rig, 'hello')
  t.deepEqual(effect, {
    do: 'send-output',
    to: FRAMEWORK,
    message: {
      request: REQUEST,
      taskId: aRef('t-1').taskId,
      stream: 'stdout',
      offset: 10,
      data: new TextEncoder().encode('hello'),
      end: false,
    },
  })
})

test('who does not wait is told that there is nothing', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(anOrder())
  t.like(read(rig, '')[0], { do: 'send-output', message: { end: false } })
})

test('who waits is answered when there is some', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(anOrder({ waitMs: 1_000 }))
  t.deepEqual(read(rig, ''), [])
  t.deepEqual(kindsOf(rig.pass(100)), ['read-output'])
  t.deepEqual(kindsOf(read(rig, 'x')), ['send-output'])
  t.deepEqual(rig.pass(2_000), [])
})

test('who waits in vain is told when the time is over', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(anOrder({ waitMs: 150 }))
  read(rig, '')
  rig.pass(100)
  t.deepEqual(read(rig, ''), [])
  t.deepEqual(kindsOf(rig.pass(50)), ['read-output'])
  t.deepEqual(kindsOf(read(rig, '')), ['send-output'])
})

test('the end of the output is told at once', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(anOrder({ waitMs: 1_000 }))
  t.like(read(rig, '', true)[0], { do: 'send-output', message: { end: true } })
})

test('what was taken away, or begun anew, is told at once, and what stands elsewhere is not', (t) => {
  const gone = (given: object) => {
    const rig = anAgentThatRuns('t-1')
    rig.orders(anOrder({ waitMs: 1_000 }))
    const output = { bytes: new Uint8Array(), end: false, ...given }
    return rig.hear({ kind: 'output.read', request: REQUEST, output })
  }
  const data = new Uint8Array()
  const bytes = new Uint8Array(10)
  t.like(gone({ goneBytes: 90, sizeBytes: 100, bytes, end: true })[0], {
    message: { data, goneBytes: 90, end: false },
  })
  t.like(gone({ sizeBytes: 9, end: true })[0], { message: { data, begunAnew: true, end: false } })
  t.deepEqual(gone({ sizeBytes: 10 }), [], 'there is no more yet')
})

test('output of a task that never was here is missing', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(anOrder({ waitMs: 1_000 }))
  const [effect] = rig.hear({ kind: 'output.read', request: REQUEST })
  t.like(effect, { do: 'send-output', message: { missing: true, end: true } })
})

test('output of a task whose sandbox is still to come is worth waiting for', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(anOrder({ waitMs: 200 }))
  t.deepEqual(rig.hear({ kind: 'output.read', request: REQUEST }), [])
  t.deepEqual(kindsOf(rig.pass(100)), ['read-output'])
})

test('output of a launch that is gone is missing at once, whatever launch runs now', (t) => {
  const rig = anAgentThatRuns('t-1')
  const ask = (launch: Launch) => {
    rig.orders(anOrder({ waitMs: 1_000, launch }))
    return kindsOf(rig.hear({ kind: 'output.read', request: REQUEST }))
  }
  t.deepEqual(ask('launch-gone' as Launch), ['send-output'])
  t.deepEqual(ask(aRef('t-1').launch), [], 'its sandbox may be still to come')
})

test('the same request twice is one, and an answer that nobody wants is dropped', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(anOrder({ waitMs: 1_000 }))
  t.deepEqual(rig.orders(anOrder()), [])
  read(rig, 'x')
  t.deepEqual(read(rig, 'x'), [])
})

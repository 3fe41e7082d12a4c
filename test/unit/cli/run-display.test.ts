/** A run as people see it, and as programs do. */
import test from 'ava'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { HumanDisplay } from '../../../cli/run-display.ts'
import { EventDisplay } from '../../../cli/run-events.ts'
import type { InstanceView } from '../../../frameworks/run/result.ts'
import type { AgentId, TaskId } from '../../../protocol/ids.ts'
import { recordingIo } from '../../support/io.ts'

const WHERE = 'nats://127.0.0.1:4222'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const anInstance = (index: number, fields: Partial<InstanceView> = {}): InstanceView => ({
  index,
  state: 'TASK_RUNNING',
  taskId: `sh-${index}` as TaskId,
  agentId: 'a1' as AgentId,
  ...fields,
})
const SILENT = { agentId: 'a1' as AgentId, taskIds: ['sh-0' as TaskId] }
const missing = (index: number, isPretended: boolean) =>
  ({ instance: anInstance(index), stream: 'stdout', why: 'why', isPretended }) as const

function human(instances: number, prefixes = false) {
  const { io, printed } = recordingIo()
  const clock = new SimulatedClock()
  const display = new HumanDisplay({ io, clock, instances, prefixes, where: WHERE })
  display.opened('fw')
  return { display, printed, io }
}

function events() {
  const { io, printed } = recordingIo()
  const clock = new SimulatedClock()
  const display = new EventDisplay({ io, clock, instances: 2, prefixes: false, where: WHERE })
  const told = () =>
    printed()
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  return { display, told }
}

test('output of several is printed line by line, each with its task', async (t) => {
  const { display, printed } = human(2, true)
  await display.output(anInstance(0), 'stdout', bytes('be'))
  await display.output(anInstance(1), 'stdout', bytes('other\n'))
  await display.output(anInstance(0), 'stdout', bytes('gun\nno end'))
  display.finish({ frameworkId: 'fw', instances: [], couldNotPlace: [], isInterrupted: false })
  t.is(printed().stdout, 'sh-1 | other\nsh-0 | begun\nsh-0 | no end\n')
})

test('the next attempt does not go on in the last line of the one before', async (t) => {
  const { display, printed } = human(2)
  await display.output(anInstance(0), 'stdout', bytes('first'))
  await display.output(anInstance(0, { restarts: 1 }), 'stdout', bytes('second\n'))
  t.is(printed().stdout, 'first\nsecond\n')
})

test('more is asked for when what was printed has been read', async (t) => {
  const { display, io } = human(1)
  let isDrained = false
  const slow = new HumanDisplay({
    io: { ...io, drained: () => Promise.resolve().then(() => void (isDrained = true)) },
    clock: new SimulatedClock(),
    instances: 1,
    prefixes: false,
    where: WHERE,
  })
  await slow.output(anInstance(0), 'stdout', bytes('x'))
  t.true(isDrained)
  display.close()
})

test('agents that only pretend are told of once', (t) => {
  const { display, printed } = human(2)
  display.outputMissing(missing(0, true))
  display.outputMissing(missing(1, true))
  display.outputMissing(missing(1, false))
  t.deepEqual(printed().stderr.trimEnd().split('\n'), [
    'bourse: these agents only pretend to run tasks: there is no output',
    'bourse: the rest of stdout of sh-1 is lost: why',
  ])
})

test('what happens meanwhile is told in sentences, in which nothing acts on a terminal', (t) => {
  const { display, printed } = human(1)
  display.waiting('no agent fits rack=r9: where there are offers, rack is \u001b[2J')
  const running = anInstance(0, {
    state: 'TASK_RUNNING',
    reason: 'CONTAINER_LIMITATION_PORTS',
    message: 'it listens on port 80; it was given none',
  })
  display.changed(running, [running])
  display.restarting(anInstance(0, { state: 'TASK_FAILED', message: 'exit 3' }), 2_000)
  display.agentSilent(SILENT)
  display.cluster('away', 3_000)
  display.cluster('back', 65_000)
  display.unheard()
  t.deepEqual(printed().stderr.trimEnd().split('\n'), [
    'bourse: waiting: no agent fits rack=r9: where there are offers, rack is \ufffd[2J',
    'bourse: fw/sh-0 on a1: TASK_RUNNING, it listens on port 80; it was given none',
    'bourse: fw/sh-0 on a1: TASK_FAILED, exit 3; starts again in 2s',
    'bourse: agent a1 does not answer: sh-0 may run on there; it is waited for',
    `bourse: no cluster at ${WHERE} for 3s; still trying`,
    `bourse: the cluster at ${WHERE} is back after 1m5s`,
    'bourse: waiting for a leader: none has heard yet that this run is over',
  ])
})

test('whoever detaches is given names that other commands take', (t) => {
  const { display, printed } = human(2)
  display.detached(42, [anInstance(0), anInstance(1)])
  t.is(printed().stdout, 'fw/sh-0\nfw/sh-1\n')
  t.regex(printed().stderr, /^bourse: runs on; process 42 sees to it .* `kill 42` ends it\n$/)
})

test('programs are told each thing on a line', async (t) => {
  const { display, told } = events()
  display.opened('fw')
  display.changed(anInstance(0, { ports: [31_000] }), [])
  display.waiting('why')
  display.restarting(anInstance(0, { state: 'TASK_FAILED' }), 1_000)
  display.agentSilent(SILENT)
  display.cluster('away', 3_000.4)
  display.unheard()
  await display.output(anInstance(0), 'stderr', Uint8Array.of(0xc3))
  await display.output(anInstance(0), 'stderr', Uint8Array.of(0xa9))
  display.outputGone({ instance: anInstance(0), stream: 'stderr', bytes: 7 })
  display.outputMissing(missing(0, true))
  display.outputMissing(missing(1, true))
  display.outputMissing(missing(1, false))
  display.detached(42, [anInstance(0)])
  const task = { index: 0, taskId: 'sh-0' }
  t.deepEqual(told(), [
    { event: 'opened', frameworkId: 'fw' },
    { event: 'task', ...task, state: 'TASK_RUNNING', agentId: 'a1', ports: [31_000] },
    { event: 'waiting', why: 'why' },
    { event: 'restarting', ...task, state: 'TASK_FAILED', agentId: 'a1', delayMs: 1_000 },
    { event: 'agent-silent', agentId: 'a1', taskIds: ['sh-0'] },
    { event: 'cluster-away', where: WHERE, forMs: 3_000 },
    { event: 'unheard' },
    { event: 'output', ...task, stream: 'stderr', text: '' },
    { event: 'output', ...task, stream: 'stderr', text: 'é' },
    { event: 'output-gone', ...task, stream: 'stderr', bytes: 7 },
    { event: 'message', message: 'these agents only pretend to run tasks: there is no output' },
    { event: 'output-missing', index: 1, taskId: 'sh-1', stream: 'stdout', why: 'why' },
    {
      event: 'detached',
      frameworkId: 'fw',
      pid: 42,
      instances: [{ ...task, state: 'TASK_RUNNING', agentId: 'a1' }],
    },
  ])
})

test('what is ended by hand is said, with how to leave sooner, unless nothing runs', (t) => {
  const { display, printed } = human(2)
  display.stopping(true)
  t.is(printed().stderr, '')
  const all = [anInstance(0), anInstance(1, { state: 'waiting' })]
  display.changed(anInstance(0), all)
  display.stopping(true)
  display.stopping(false)
  display.close()
  t.deepEqual(printed().stderr.trimEnd().split('\n'), [
    'bourse: killing its tasks; Ctrl-C once more leaves at once',
    'bourse: killing its tasks',
  ])
})

/** The floor's framework: fills each offer with tasks and acknowledges what it hears. */
import type { Message } from '../../../protocol/schema/messages.ts'
import {
  frameworkCall,
  frameworkEvents,
  frameworkInbox,
  statusUpdates,
} from '../../../protocol/subjects.ts'
import { serveParent } from '../child.ts'
import { FENCE, FRAMEWORK_IDS, newSession, taskIdOf } from './bodies.ts'
import { Turn, Wire } from './wire.ts'

export interface FrameworkStart {
  readonly nats: string
  readonly tasksPerAccept: number
  /** Tasks that have not ended, at least `tasksPerAccept`. */
  readonly inFlightMax: number
}

export interface FrameworkAsk {
  readonly tasks: number
}

export interface FrameworkAnswer {
  /** From the start until the last end was heard. */
  readonly elapsedMs: number
  readonly accepts: number
}

const { nats, tasksPerAccept, inFlightMax } = JSON.parse(process.argv[2] ?? '{}') as FrameworkStart
const inbox = `${frameworkInbox(FRAMEWORK_IDS)}.${newSession()}`
const wire = await Wire.open(nats, 'scheduler', inbox)
const session = newSession()
const subscription = { epoch: FENCE.epoch, count: 1 }
const acceptSubject = frameworkCall.to({ ...FRAMEWORK_IDS, verb: 'accept' })

/** Offers that nobody needed yet. */
const spare: string[] = []
let left = 0
let running = 0
let launched = 0
let accepts = 0
let onDone: () => void = () => undefined

const acks = new Turn((subject, items: readonly unknown[]) =>
  wire.send(subject, { subscription, acks: items }),
)

wire.hear<Message<'FrameworkEvents'>>(frameworkEvents.on(FRAMEWORK_IDS), ({ events }) => {
  for (const event of events) {
    if (event.kind === 'offers') for (const { offerId } of event.offers) take(offerId)
  }
})

function take(offerId: string): void {
  const count = Math.min(left, tasksPerAccept)
  if (count === 0 || running + count > inFlightMax) {
    spare.push(offerId)
    return
  }
  left -= count
  running += count
  accepts += 1
  const tasks = Array.from({ length: count }, () => ({
    taskId: taskIdOf(++launched),
    resources: { cpus: 1, mem: 32 },
    command: { argv: ['true'], env: { PRETEND_MS: '0' } },
    name: 'bench',
  }))
  const operations = [{ kind: 'launch', tasks }]
  const header = { session, n: accepts, call: session, epoch: FENCE.epoch }
  const body = { offers: [offerId], operations, ...header }
  wire.send(acceptSubject, body, `${inbox}.${accepts.toString(36)}`)
}

function takeSpare(): void {
  while (left > 0 && spare.length > 0 && running + Math.min(left, tasksPerAccept) <= inFlightMax)
    take(spare.pop() as string)
}

wire.hear(`${inbox}.*`, () => undefined)

wire.hear<Message<'StatusUpdates'>>(
  statusUpdates.on(FRAMEWORK_IDS),
  ({ statuses }, { subject }) => {
    const ackSubject = subject.replace('update', 'ack')
    for (const { taskId, uuid, launch, state } of statuses) {
      acks.add(ackSubject, { taskId, uuid, launch })
      if (state === 'TASK_FINISHED') running -= 1
    }
    takeSpare()
    if (running === 0 && left === 0) onDone()
  },
)

async function run({ tasks }: FrameworkAsk): Promise<FrameworkAnswer> {
  const startedAtMs = performance.now()
  const acceptsBefore = accepts
  const done = new Promise<void>((resolve) => {
    onDone = resolve
  })
  left = tasks
  takeSpare()
  await done
  return { elapsedMs: performance.now() - startedAtMs, accepts: accepts - acceptsBefore }
}

serveParent<FrameworkAsk, FrameworkAnswer>(run, () => wire.close())

/**
 * The framework of a lab, a process of its own: `framework-process FOLDER`, with its config there.
 * It launches tasks that prove their starts, kills some, and writes down what it does and hears.
 * One of several instances begins when it leads, with what the others have written, and ends when
 * it does no more: whoever started it starts it again. SIGUSR2: it launches no more. SIGTERM: it is
 * torn down.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  Offered,
  Scheduler,
  Standing,
  TaskGroup,
  TaskStatus,
  TaskWish,
} from '../../actors/scheduler/scheduler.ts'
import { openScheduler } from '../../actors/scheduler/scheduler.ts'
import { sleep } from '../../bus/clock.ts'
import { CONFIG, type FrameworkConfig, Journal, type Launched } from './journal.ts'
import { TaskBook } from './task-book.ts'

const [folder = ''] = process.argv.slice(2)
const config: FrameworkConfig = JSON.parse(readFileSync(join(folder, CONFIG), 'utf8'))
const journal = new Journal(folder)

const DECLINE_MS = 1_000
/** Where nothing is ever started. */
const ELSEWHERE_MS = 60_000
const PER_OFFER_MAX = 4
/** What was heard of before the process began, and what not, is told after so long. */
const UNHEARD_MS = 5_000
const LOOK_MS = 1_000
const RESOURCES = config.resources ?? { cpus: 0.1, mem: 16 }
const OFTEN = { delayMs: 0, intervalMs: 1_000 }
const WELL = { ...OFTEN, command: { shell: ':' } }
const SICK = { ...OFTEN, command: { shell: 'exit 1' }, consecutiveFailures: 2, graceMs: 0 }
/** Another result every second. */
const CHANGING = { ...OFTEN, command: { shell: 'exit $(($(date +%s) % 2))' } }

const say = (message: string, fields: object = {}): void => {
  process.stderr.write(`${JSON.stringify({ message, atMs: Date.now(), ...fields })}\n`)
}

/** Who stands by does it when it leads. */
const [drain, teardown] = [new AbortController(), new AbortController()]
process.once('SIGUSR2', () => drain.abort())
process.once('SIGTERM', () => teardown.abort())

function once({ signal }: AbortController, then: () => unknown): void {
  if (signal.aborted) then()
  else signal.addEventListener('abort', then)
}

function wishOf({ taskId, ending, runMs, isKilled }: Launched): TaskWish {
  const isSick = ending === 'sick'
  const run = isKilled || isSick ? 'while :; do sleep 1; done' : `sleep ${runMs / 1000}`
  const ends = { ok: 'exit 0', fails: 'exit 3', crashes: 'kill -9 $$', stubborn: '', sick: '' }
  const deaf = ending === 'stubborn' ? "trap '' TERM; " : ''
  const [starts, end] = [journal.startsPath(taskId), journal.endsPath(taskId)]
  const command = `${deaf}echo "$BOURSE_AGENT_ID" >> ${starts}; ${run}; echo ended >> ${end}; ${ends[ending]}`
  return {
    taskId,
    command,
    resources: RESOURCES,
    killGraceMs: 500,
    ...(isSick && { healthCheck: SICK }),
    ...(config.checks && { check: CHANGING, ...(!isSick && { healthCheck: WELL }) }),
  }
}

/** In their order, those of a group together. */
function wishesOf(launched: readonly Launched[]): readonly (TaskWish | TaskGroup)[] {
  const grouped = launched.filter(({ group }) => group !== undefined).map(wishOf)
  const single = launched.filter(({ group }) => group === undefined).map(wishOf)
  return grouped.length === 0 ? single : [{ group: grouped }, ...single]
}

async function answer(offer: Offered): Promise<void> {
  const fits = Math.min(PER_OFFER_MAX, offer.roomFor(RESOURCES))
  const isElsewhere = config.only?.includes(offer.agentId) === false
  const wanted = isElsewhere ? 0 : book.room(fits)
  if (wanted === 0) {
    const refuseMs = isElsewhere ? ELSEWHERE_MS : DECLINE_MS
    await offer.decline('nothing to start there', { refuseMs })
    return
  }
  const launched = book.launch(wanted, offer.agentId)
  const answered = await offer.accept(wishesOf(launched), { refuseMs: 0 })
  if (answered.outcome === 'refused') {
    for (const { taskId } of launched) book.refuse(taskId, answered.refusal.name)
  } else if (answered.outcome === 'done') {
    for (const { taskId, message } of answered.notLaunched ?? []) book.refuse(taskId, message)
  }
}

function hear(status: TaskStatus): void {
  const { taskId, state, agentId, source, reason, exit, number } = status
  journal.hear({
    taskId,
    state,
    source,
    heardAtMs: Date.now(),
    pid: process.pid,
    ...(agentId !== undefined && { agentId }),
    ...(reason !== undefined && { reason }),
    ...(exit !== undefined && { exit }),
    ...(number !== undefined && { number }),
  })
  book.hear(taskId, state)
}

/** Kills what is due, and what of an earlier process nobody speaks of. */
async function look(scheduler: Scheduler): Promise<void> {
  const begunMs = Date.now()
  let asked = 0
  while (!book.isDone) {
    await sleep(LOOK_MS / 4)
    const nowMs = Date.now()
    for (const taskId of book.dueKills(nowMs)) scheduler.kill(taskId)
    if (nowMs - begunMs > UNHEARD_MS)
      for (const taskId of book.unheardOfEarlier()) scheduler.kill(taskId)
    if (!book.isLaunching && nowMs - asked > LOOK_MS) {
      asked = nowMs
      book.catchUp()
      scheduler.reconcile()
    }
  }
}

async function offers(scheduler: Scheduler): Promise<void> {
  for await (const offer of scheduler.offers()) {
    if (!book.isLaunching) {
      scheduler.suppress()
      await offer.decline('enough', { refuseMs: DECLINE_MS })
    } else {
      // Not awaited: an answer may take as long as there is no leader.
      void answer(offer)
    }
  }
}

/** What a command says that finds no cluster: whoever started it tries again. */
const NO_CLUSTER = 69
/** What a master says that has lost the lead. */
const LEADS_NO_MORE = 75

let hasLed = false

function stand(standing: Standing, why: string): void {
  say(standing, { why })
  if (standing === 'leads') hasLed = true
  else if (hasLed) process.exit(LEADS_NO_MORE)
  else say('ready', { pid: process.pid })
}

const scheduler = await openScheduler({
  name: config.name,
  frameworkId: config.frameworkId,
  secret: config.secret,
  failoverMs: config.failoverMs ?? 600_000,
  openTimeoutMs: 60_000,
  ...(config.standby && { standby: true, onStanding: stand }),
  onFault: ({ message }) => say('fault', { why: message }),
}).catch((error: Error) => {
  say('ended', { why: error.message })
  // The one that led has torn all down: there is nothing to stand by for.
  process.exit(config.standby && error.message.startsWith('torn-down') ? 0 : NO_CLUSTER)
})
const book = new TaskBook(config, journal)
scheduler.onStatus(hear)
once(drain, () => book.drain())
once(teardown, () => leave(0))
say('ready', { pid: process.pid })

async function leave(code: number): Promise<void> {
  await scheduler.teardown()
  await scheduler.close()
  process.exit(code)
}

void offers(scheduler).catch(() => undefined)
const end = await Promise.race([look(scheduler).then(() => 'done' as const), scheduler.ended])
if (end === 'done') {
  say('done')
  await leave(0)
} else {
  say('ended', { why: end?.message })
  process.exit(3)
}

/** A framework by chance: launches, declines, hoards, kills, suppresses and revives. */

import type { Outcome } from '../../actors/scheduler/contract-offers.ts'
import type { EndReason } from '../../actors/scheduler/effects.ts'
import {
  type Handlers,
  type RunningScheduler,
  startScheduler,
} from '../../actors/scheduler/shell.ts'
import { newScheduler, type Settings } from '../../actors/scheduler/state.ts'
import { openMessenger } from '../../bus/messenger.ts'
import type { FrameworkKey, OfferId, TaskId } from '../../protocol/ids.ts'
import { resourcesOf, scalarOf } from '../../protocol/resources.ts'
import type { TaskInfo, TaskStatus } from '../../protocol/schema/common.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import { frameworkInbox } from '../../protocol/subjects.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Chance } from './chance.ts'
import type { Audience, Ledger } from './ledger.ts'
import { HOLDS } from './machine.ts'
import type { Process } from './process.ts'
import { Wish } from './wish.ts'

/** What a framework keeps on its own disk. */
export interface FrameworkDisk {
  readonly key: FrameworkKey
  readonly secret: string
  readonly failoverMs: number
  readonly roles: readonly string[]
  /** How long it thinks about an offer, on average. */
  readonly thinkMs: number
  /** Task ids are never used twice. */
  tasks: number
  /** Subscribed before: there may be tasks. */
  isReturning: boolean
}

export interface WorkloadParts {
  readonly cluster: string
  readonly process: Process
  readonly chance: Chance
  readonly disk: FrameworkDisk
  readonly ledger: Ledger
  /** A promise was settled outside of the bus. */
  readonly settles: () => void
  /** Of the world. */
  readonly nowMs: () => number
  /** Nothing new is launched or killed after this. */
  readonly isQuiet: () => boolean
  /** Takes all that is offered, for tasks that are alike. */
  readonly isGreedy: () => boolean
  /** When that begins, if it does. */
  readonly greedyInMs: number | undefined
  /** It was torn down, or refused. */
  readonly onEnded: (reason: EndReason | undefined) => void
  /** It is one of several instances. */
  readonly holder?: Settings['holder']
}

/** What a task does, by how likely. */
const FATES = { finishes: 70, fails: 12, signalled: 5, lasts: 8, stubborn: 5 }
/** What is done with an offer. */
const ANSWERS = { launch: 70, decline: 20, hoard: 10 }
const MANY_TASKS = 25
/** On average, of those that end by themselves. */
const TASK_MS = 15_000
/** Thousandths of cpus, and MiB. */
const GREEDY_TASK = { cpus: 1_000, mem: 512 }
const GREEDY_TASKS_MAX = 4

export class Workload implements Handlers {
  readonly #parts: WorkloadParts
  readonly #audience: Audience
  readonly wish: Wish
  readonly #alive = new Set<TaskId>()
  #scheduler: RunningScheduler | undefined
  #asks = 0
  #isOver = false

  constructor(parts: WorkloadParts) {
    this.#parts = parts
    const isInstance = parts.holder !== undefined
    this.#audience = { name: parts.process.name, isInstance, told: new Map() }
    const { disk, nowMs } = parts
    this.wish = new Wish({ roles: disk.roles, least: this.#terms().minAllocatable ?? {}, nowMs })
  }

  async start(): Promise<void> {
    const { cluster, process, chance, disk } = this.#parts
    const ids = { cluster, ...disk.key }
    const bus = await process.system.connect({ name: process.name, inbox: frameworkInbox(ids) })
    const { clock, randomToken } = process
    const messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused() {} })
    const { isReturning } = disk
    disk.isReturning = true
    const settings = {
      secret: disk.secret,
      name: process.name,
      roles: [...disk.roles],
      failoverMs: disk.failoverMs,
      terms: this.#terms(),
      isSuppressed: false,
      // What an instance missed while another one led, it does not know.
      isReturning: isReturning || this.#parts.holder !== undefined,
      holder: this.#parts.holder,
    }
    const state = newScheduler(settings, randomToken(128))
    this.#scheduler = startScheduler({ ...ids, state, messenger, clock, handlers: this })
    this.#later(chance.waitMs(20_000), () => this.#changeWish())
    const { greedyInMs } = this.#parts
    if (greedyInMs === undefined) return
    this.#later(Math.max(0, greedyInMs), () => {
      this.#revive()
      // What runs since before is in the way.
      for (const taskId of this.#alive) this.#kill(taskId)
    })
  }

  /** Who will want all there is has no use for less than a task takes. */
  #terms(): Settings['terms'] {
    const { disk, greedyInMs } = this.#parts
    if (greedyInMs === undefined) return {}
    const least = [{ cpus: GREEDY_TASK.cpus / 1_000, mem: GREEDY_TASK.mem }]
    return { minAllocatable: Object.fromEntries(disk.roles.map((role) => [role, least])) }
  }

  teardown(): void {
    const { ledger, disk } = this.#parts
    ledger.framework(disk.key).isToEnd = true
    this.#scheduler?.input({ kind: 'framework.teardown', ask: ++this.#asks })
  }

  subscribed(): void {}

  offers(offers: readonly Offer[]): void {
    for (const offer of offers) {
      this.wish.offered(offer)
      this.#answer(offer)
    }
  }

  rescinded(offers: readonly OfferId[], reason: string): void {
    this.wish.rescinded(offers, reason)
  }

  status(status: TaskStatus): void | Promise<void> {
    const { chance, disk, ledger, isQuiet, isGreedy, process } = this.#parts
    const { taskId } = status
    // It died in the middle of its effects.
    if (!process.isAlive) return new Promise(() => undefined)
    ledger.told(this.#audience, disk.key, status)
    if (isTerminal(status.state)) this.#alive.delete(taskId)
    else {
      this.#alive.add(taskId)
      const isInTheWay = isGreedy() && !taskId.includes('-g')
      if (status.state === 'TASK_RUNNING' && (isInTheWay || chance.happens(0.15)))
        this.#later(isInTheWay ? 0 : chance.waitMs(3_000), () => this.#kill(taskId))
    }
    const isDone = (): void => ledger.handled(disk.key, status)
    if (isQuiet() || !chance.happens(0.1)) return isDone()
    return new Promise((resolve) =>
      this.#later(chance.waitMs(500), () => {
        this.#parts.settles()
        isDone()
        resolve()
      }),
    )
  }

  failure(): void {}

  output(): void {}

  settled(_ask: number, _outcome: Outcome): void {}

  ended(reason: EndReason | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#parts.onEnded(reason)
  }

  #answer(offer: Offer): void {
    const { chance, isQuiet, isGreedy, process } = this.#parts
    if (!process.isAlive) return
    if (isQuiet()) return this.#decline(offer, chance)
    if (isGreedy()) return this.#launchAll(offer)
    const answer = chance.weighted(ANSWERS)
    if (answer === 'hoard') return
    const delayMs = chance.happens(0.3) ? 0 : chance.waitMs(this.#parts.disk.thinkMs)
    this.#later(delayMs, () => {
      const isEnough = this.#alive.size > MANY_TASKS || isQuiet()
      if (answer === 'launch' && !isEnough) this.#launch(offer)
      else this.#decline(offer, chance)
    })
  }

  #decline(offer: Offer, chance: Chance): void {
    const refuseMs = chance.pick([undefined, undefined, 0, 8_000, 15_000, 15_000])
    this.wish.declined(offer, refuseMs)
    this.#scheduler?.input({
      kind: 'framework.decline',
      ask: ++this.#asks,
      offers: [offer.offerId as OfferId],
      ...(refuseMs !== undefined && { refuseMs }),
    })
  }

  #launchAll(offer: Offer): void {
    const { chance, disk } = this.#parts
    const resources = resourcesOf(offer.resources)
    const fits = Math.min(
      Math.floor(scalarOf(resources, 'cpus') / GREEDY_TASK.cpus),
      Math.floor(scalarOf(resources, 'mem') / 1_000 / GREEDY_TASK.mem),
      GREEDY_TASKS_MAX,
    )
    const tasks = Array.from({ length: fits }, () => {
      disk.tasks += 1
      const taskId = `${disk.key.frameworkId}-g${disk.tasks}`
      return taskOf(taskId, GREEDY_TASK, { runMs: chance.between(2_000, 6_000), exit: '0' })
    })
    this.#accept(offer, tasks, 'launch')
  }

  #accept(offer: Offer, tasks: readonly TaskInfo[], kind: 'launch' | 'launch-group'): void {
    const { chance, isGreedy } = this.#parts
    const refuseMs = isGreedy() || chance.happens(0.3) ? 0 : undefined
    this.wish.declined(offer, refuseMs)
    this.#scheduler?.input({
      kind: 'framework.accept',
      ask: ++this.#asks,
      offers: [offer.offerId as OfferId],
      operations: tasks.length === 0 ? [] : [{ kind, tasks }],
      ...(refuseMs !== undefined && { refuseMs }),
    })
  }

  #launch(offer: Offer): void {
    const { chance } = this.#parts
    const resources = resourcesOf(offer.resources)
    let cpus = scalarOf(resources, 'cpus')
    let mem = scalarOf(resources, 'mem') / 1_000
    const tasks: TaskInfo[] = []
    for (let left = chance.integer(1, 4); left > 0; left--) {
      const wanted = { cpus: 100 * chance.integer(1, 15), mem: 32 * chance.integer(1, 16) }
      // Now and then more than there is: the leader must see it.
      if ((wanted.cpus > cpus || wanted.mem > mem) && !chance.happens(0.02)) continue
      cpus -= wanted.cpus
      mem -= wanted.mem
      tasks.push(this.#task(wanted))
    }
    if (tasks.length === 0 && chance.happens(0.5)) return this.#decline(offer, chance)
    const kind = chance.happens(0.3) ? 'launch-group' : 'launch'
    this.#accept(offer, tasks, kind)
    if (tasks[0] !== undefined && chance.happens(0.03)) this.#kill(tasks[0].taskId)
  }

  #task({ cpus, mem }: { readonly cpus: number; readonly mem: number }): TaskInfo {
    const { chance, disk } = this.#parts
    disk.tasks += 1
    const fate = chance.weighted(FATES)
    const lasts = fate === 'lasts' || fate === 'stubborn'
    const runMs = lasts ? chance.between(30_000, 400_000) : chance.waitMs(TASK_MS)
    const exit = { finishes: '0', fails: '3', signalled: 'SIGSEGV', lasts: '0', stubborn: '0' }
    const pretends = { runMs, exit: exit[fate], isStubborn: fate === 'stubborn' }
    return taskOf(`${disk.key.frameworkId}-t${disk.tasks}`, { cpus, mem }, pretends)
  }

  #kill(taskId: TaskId): void {
    const { chance, isQuiet } = this.#parts
    if (isQuiet()) return
    const graceMs = chance.pick([undefined, 0, 500])
    const kill = { kind: 'framework.kill', taskId } as const
    this.#scheduler?.input({ ...kill, ...(graceMs !== undefined && { graceMs }) })
  }

  #changeWish(): void {
    const { chance, isQuiet, isGreedy } = this.#parts
    // In the end everybody wants offers again: what is free must find somebody.
    const mayRest = !isQuiet() && !isGreedy()
    if (!this.wish.isSuppressed && mayRest && chance.happens(0.7)) this.#suppress()
    else this.#revive()
    if (!isQuiet() && chance.happens(0.2)) this.#update()
    this.#later(chance.waitMs(this.wish.isSuppressed ? 10_000 : 15_000), () => this.#changeWish())
  }

  #suppress(): void {
    this.wish.suppress()
    this.#scheduler?.input({ kind: 'framework.suppress' })
  }

  #revive(): void {
    this.wish.revive()
    this.#scheduler?.input({ kind: 'framework.revive' })
  }

  /** Nothing that would keep offers away. */
  #update(): void {
    const { chance, process } = this.#parts
    const holds = [[{ attribute: 'moon', exists: false }]]
    this.#scheduler?.input({
      kind: 'framework.update',
      ask: ++this.#asks,
      changes: {
        ...(chance.happens(0.5) && { name: `${process.name}-${this.#asks}` }),
        ...(chance.happens(0.5) && { capabilities: chance.pick([[], ['REGION_AWARE']]) }),
        ...(chance.happens(0.5) && { constraints: chance.pick([{}, { '*': holds }]) }),
      },
    })
  }

  #later(delayMs: number, fn: () => void): void {
    if (delayMs === 0) return fn()
    this.#parts.process.clock.after(delayMs, () => {
      if (!this.#isOver) fn()
    })
  }
}

interface Pretended {
  readonly runMs: number
  readonly exit: string
  readonly isStubborn?: boolean
}

function taskOf(
  taskId: string,
  { cpus, mem }: { readonly cpus: number; readonly mem: number },
  { runMs, exit, isStubborn = false }: Pretended,
): TaskInfo {
  const watched = watchedAs(taskId)
  return {
    taskId: taskId as TaskId,
    resources: { cpus: cpus / 1_000, mem },
    command: {
      argv: ['pretend'],
      env: {
        PRETEND_MS: String(Math.round(runMs)),
        PRETEND_EXIT: exit,
        [HOLDS]: `${cpus} ${mem}`,
        ...(isStubborn && { PRETEND_IGNORES_TERM: '1' }),
        ...(watched && { PRETEND_CHECKS: UNSTEADY }),
      },
    },
    ...watched,
  }
}

/** Well, unwell for a moment, then for good. */
const UNSTEADY = 'fail,ok,fail,late,ok,ok,fail,ok,fail,fail,fail'

/** One task in eight, known by its id: no dice are thrown that others would miss. */
function watchedAs(taskId: string): Pick<TaskInfo, 'healthCheck' | 'check'> | undefined {
  const sum = [...Buffer.from(taskId)].reduce((all, byte) => all + byte, 0)
  if (sum % 8 !== 0) return undefined
  const times = { delayMs: 500, intervalMs: 1_000, timeoutMs: 700 }
  const healthCheck = { http: { port: 80 }, graceMs: 2_000, ...times }
  return sum % 16 === 0 ? { healthCheck } : { healthCheck, check: { tcp: { port: 80 }, ...times } }
}

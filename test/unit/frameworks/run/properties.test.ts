/** Whatever happens, in whatever order: what a run may never do, and that it ends. */
import test from 'ava'
import fc from 'fast-check'
import type { TaskWish } from '../../../../actors/scheduler/scheduler.ts'
import { parseConstraint } from '../../../../frameworks/run/constraints.ts'
import type { Effect } from '../../../../frameworks/run/state.ts'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import { FOUR_CPUS, Run } from './given.ts'

const INSTANCES = 4
const RESTARTS_MAX = 3
const EACH_MAX = 2
const HOSTS = ['h0', 'h1', 'h2']
const STATES = [
  'TASK_RUNNING',
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_GONE',
  'TASK_DROPPED',
  'TASK_UNREACHABLE',
] as const
const ENDS: ReadonlySet<string> = new Set(STATES.slice(1, 6))

/** A world that does what the run wants, late and in any order. */
class World {
  readonly run: Run
  /** Tasks that have not ended, with their host. */
  readonly live = new Map<string, { readonly host: string; isHeard: boolean }>()
  readonly reads: Pick<Extract<Effect, { do: 'read-output' }>, 'taskId' | 'index'>[] = []
  readonly pauses: number[] = []
  readonly silences: Extract<Effect, { do: 'end-silence-after' }>[] = []
  atMs = 0
  dones = 0
  givenUp = 0

  constructor() {
    const constraint = parseConstraint(`hostname:max=${EACH_MAX}`)
    if ('code' in constraint) throw new Error(constraint.message)
    const restart = { restartsMax: RESTARTS_MAX }
    this.run = new Run({}, INSTANCES, { constraints: [constraint], restart })
    this.#take('')
  }

  offer(host: string, cpus = 4): void {
    const wasDone = this.dones > 0
    this.run.offer(cpus === 4 ? FOUR_CPUS : [{ name: 'cpus', scalar: cpus }], {
      agentId: host,
      hostname: host,
    })
    if (wasDone && this.run.effects.length > 0) throw new Error('a run that is over acts')
    this.#take(host)
  }

  status(nth: number, state: (typeof STATES)[number]): void {
    const [taskId, task] = [...this.live][nth % this.live.size] ?? []
    if (taskId === undefined || task === undefined) return
    // Only a leader drops, and only what no agent has spoken of.
    if (state === 'TASK_DROPPED' && task.isHeard) return
    const source: TaskStatus['source'] =
      state === 'TASK_DROPPED' || state === 'TASK_UNREACHABLE' ? 'master' : 'agent'
    task.isHeard ||= source === 'agent'
    if (ENDS.has(state)) this.live.delete(taskId)
    this.atMs += 1_000
    this.run.status(taskId, state, { source, atMs: this.atMs })
    this.#take('')
  }

  read(): void {
    const read = this.reads.shift()
    if (read === undefined) return
    this.run.input({ kind: 'read', ...read })
    this.#take('')
  }

  pause(): void {
    const index = this.pauses.shift()
    if (index === undefined) return
    this.run.input({ kind: 'restart-due', index })
    this.#take('')
  }

  /** What is given up has not ended, but its machine is dead. */
  silence(): void {
    const wait = this.silences.shift()
    if (wait === undefined) return
    const { index, silence } = wait
    const { taskId = '' } = this.run.state.instances[index]?.view ?? {}
    this.run.input({ kind: 'silence-over', index, silence })
    if (this.run.all('restart-after').length > 0) {
      this.live.delete(taskId)
      this.givenUp += 1
    }
    this.#take('')
  }

  input(kind: 'look' | 'interrupted' | 'timed-out'): void {
    this.run.input({ kind })
    this.#take('')
  }

  #take(host: string): void {
    // What happens after its end, as to tasks on an agent that did not answer, it does not follow.
    const wasDone = this.dones > 0
    for (const effect of this.run.effects) this.#perform(effect, host)
    if (!wasDone) this.#check()
  }

  #perform(effect: Effect, host: string): void {
    if (effect.do === 'accept') this.#launch(effect.tasks, host)
    else if (effect.do === 'read-output') this.#read(effect)
    else if (effect.do === 'restart-after') this.pauses.push(effect.index)
    else if (effect.do === 'end-silence-after') this.silences.push(effect)
    else if (effect.do === 'done') this.dones += 1
  }

  #read({ taskId, index }: Extract<Effect, { do: 'read-output' }>): void {
    this.reads.push({ taskId, index }, { taskId, index })
  }

  #launch(tasks: readonly TaskWish[], host: string): void {
    for (const { taskId = '' } of tasks) {
      if (this.live.has(taskId)) throw new Error(`${taskId} is started beside itself`)
      this.live.set(taskId, { host, isHeard: false })
    }
  }

  #check(): void {
    const { state } = this.run
    const byInstance = [...this.live.keys()].map((taskId) => taskId.split('-')[1])
    if (new Set(byInstance).size < byInstance.length) throw new Error('an instance runs twice')
    for (const host of HOSTS) {
      const there = [...this.live.values()].filter((task) => task.host === host).length
      if (there > EACH_MAX) throw new Error(`${there} instances on ${host}`)
    }
    const counted = [...state.spots.values()].reduce((sum, count) => sum + count, 0)
    if (counted !== this.live.size) throw new Error(`${counted} counted, ${this.live.size} live`)
    for (const { restarts } of state.instances)
      if (restarts > RESTARTS_MAX) throw new Error('counted wrongly')
    if (state.unheard < 0) throw new Error('heard more than there are')
    if (this.dones > 1) throw new Error('over twice')
  }

  /** Everything goes well from now on. */
  settle(): void {
    for (let round = 0; round < 50 && this.dones === 0; round++) {
      for (const host of HOSTS) this.offer(host)
      while (this.live.size > 0) this.status(0, 'TASK_FINISHED')
      while (this.reads.length > 0) this.read()
      while (this.pauses.length > 0) this.pause()
    }
    if (this.dones === 0) throw new Error(`it never ends: ${this.run.states.join(', ')}`)
  }
}

const nth = fc.nat(INSTANCES)
const kind = <K extends string>(...kinds: readonly K[]) => fc.constantFrom(...kinds)
const host = fc.constantFrom(...HOSTS)
const step = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: kind('offer'), host, cpus: fc.constantFrom(1, 4) }) },
  { weight: 60, arbitrary: fc.record({ kind: kind('status'), nth, state: kind(...STATES) }) },
  { weight: 60, arbitrary: fc.record({ kind: kind('read', 'pause', 'silence', 'look') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('interrupted', 'timed-out') }) },
)

test('no instance runs twice, no host has too many, and every run ends', (t) => {
  let restarts = 0
  let dropped = 0
  let givenUp = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const world = new World()
      for (const one of steps) {
        if (one.kind === 'offer') world.offer(one.host, one.cpus)
        else if (one.kind === 'status') world.status(one.nth, one.state)
        else if (one.kind === 'read') world.read()
        else if (one.kind === 'pause') world.pause()
        else if (one.kind === 'silence') world.silence()
        else world.input(one.kind)
      }
      world.settle()
      givenUp += world.givenUp
      for (const one of world.run.state.instances) {
        restarts += one.restarts
        dropped += one.ids - 1
      }
    }),
    { numRuns: 500 },
  )
  t.true(restarts > 0, `${restarts} restarts`)
  t.true(givenUp > 0, `${givenUp} given up`)
  t.true(dropped > 0, `${dropped} dropped`)
})

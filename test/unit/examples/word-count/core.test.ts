import test from 'ava'
import type { Accepted, TaskStatus } from '../../../../actors/scheduler/scheduler.ts'
import { handleCount } from '../../../../examples/word-count/core.ts'
import {
  type Effect,
  type Input,
  newCount,
  progressOf,
} from '../../../../examples/word-count/state.ts'

class Count {
  readonly state
  #offers = 0

  constructor(parts: number) {
    const part = (_: unknown, i: number) => [{ path: `file ${i + 1}`, offset: 0, bytes: 10 }]
    this.state = newCount('/folder', Array.from({ length: parts }, part))
  }

  input(input: Input): readonly Effect[] {
    return handleCount(this.state, input)
  }

  offer(agentId: string, room = 40): readonly Effect[] {
    this.#offers += 1
    return this.input({ kind: 'offer', offerId: `offer-${this.#offers}`, agentId, room })
  }

  /** The ids of the tasks that an offer was accepted with. */
  accepts(agentId: string): readonly (string | undefined)[] {
    const [effect] = this.offer(agentId)
    return effect?.do === 'accept' ? effect.tasks.map(({ taskId }) => taskId) : []
  }

  status(taskId: string, state: TaskStatus['state'], fields: object = {}): readonly Effect[] {
    const status = { taskId, state, source: 'agent', atMs: 0, ...fields } as TaskStatus
    return this.input({ kind: 'status', status })
  }

  counted(taskId: string, text: string): readonly Effect[] {
    this.status(taskId, 'TASK_RUNNING', { atMs: 100 })
    this.status(taskId, 'TASK_FINISHED', { atMs: 350 })
    return this.input({ kind: 'output', taskId, text })
  }
}

const kinds = (effects: readonly Effect[]): readonly string[] => effects.map((effect) => effect.do)

test('two tasks at a time on one agent, the rest is for others', (t) => {
  const count = new Count(5)
  t.deepEqual(count.accepts('a'), ['count-1', 'count-2'])
  t.like(count.offer('a')[0], {
    do: 'decline',
    reason: '2 tasks at a time are enough on one agent',
  })
  t.deepEqual(count.accepts('b'), ['count-3', 'count-4'])
  count.counted('count-1', ' 1 x\n')
  t.deepEqual(count.accepts('a'), ['count-5'])
  t.like(count.offer('c')[0], { do: 'decline', reason: 'every part is placed' })
  t.deepEqual(progressOf(count.state), { parts: 5, waiting: 0, placed: 4, counted: 1 })
})

test('an offer that is too small is declined by name', (t) => {
  const count = new Count(1)
  t.like(count.offer('a', 0)[0], { do: 'decline', reason: 'a task wants 0.1 cpus and 32 MiB' })
  const books = count.state.agents.get('a')
  t.deepEqual([books?.offers, books?.declined.get('a task wants 0.1 cpus and 32 MiB')], [1, 1])
  t.like(count.offer('a', 1)[0], { do: 'accept' })
})

test('a path is an argument of its own, whatever is in it', (t) => {
  const path = 'it\'s "a"\n$(path)'
  const state = newCount('/the folder', [[{ path, offset: 7, bytes: 9 }]])
  const [effect] = handleCount(state, {
    kind: 'offer',
    offerId: 'o',
    agentId: 'a',
    room: 1,
  })
  const command = effect?.do === 'accept' ? effect.tasks[0]?.command : undefined
  t.deepEqual(command?.slice(3), ['word-count', '/the folder', '8', '9', path])
})

test('counts of all parts make the whole; the last ends it', (t) => {
  const count = new Count(2)
  count.accepts('a')
  t.deepEqual(kinds(count.counted('count-1', ' 2 the\n')), ['tell'])
  t.deepEqual(kinds(count.counted('count-2', ' 1 cat\n 3 the\n')), ['tell', 'end'])
  t.deepEqual(
    [...count.state.counts],
    [
      ['the', 5],
      ['cat', 1],
    ],
  )
  t.like(count.state.tasks.get('count-2'), { state: 'counted', words: 4, tookMs: 250 })
  t.deepEqual(count.offer('a'), [])
})

test('a lost task is started again under another id, and its late end changes nothing', (t) => {
  const count = new Count(1)
  count.accepts('a')
  const lost = count.status('count-1', 'TASK_UNREACHABLE', { source: 'master' })
  t.deepEqual(kinds(lost), ['kill', 'tell', 'revive'])
  t.deepEqual(count.accepts('b'), ['count-1-2'])
  t.deepEqual(count.counted('count-1', ' 9 old\n'), [])
  count.counted('count-1-2', ' 1 new\n')
  t.deepEqual([...count.state.counts], [['new', 1]])
})

test('what nobody knows any more is started again, too', (t) => {
  const count = new Count(1)
  count.accepts('a')
  const lost = count.status('count-1', 'TASK_UNKNOWN', { source: 'master' })
  t.deepEqual(kinds(lost), ['kill', 'tell', 'revive'])
  t.deepEqual(count.accepts('b'), ['count-1-2'])
})

test('output that cannot be had, or is none, is counted again', (t) => {
  const count = new Count(1)
  count.accepts('a')
  t.deepEqual(kinds(count.counted('count-1', 'tr: not found\n')), ['tell', 'revive'])
  count.accepts('a')
  count.status('count-1-2', 'TASK_FINISHED')
  const missing = 'agent a has sent nothing'
  count.input({ kind: 'output', taskId: 'count-1-2', text: ' 1 half\n', missing })
  t.like(count.state.tasks.get('count-1-2'), { state: 'lost', why: missing })
  t.is(count.state.counts.size, 0)
})

test('what a refused accept was to start waits again; of an unknown one the statuses tell', (t) => {
  const count = new Count(2)
  count.accepts('a')
  const refusal = { code: 409, name: 'stale', message: 'of an earlier leader' }
  const refused = {
    outcome: 'refused',
    refusal,
    taskIds: ['count-1', 'count-2'],
  } as unknown as Accepted
  count.input({ kind: 'answered', agentId: 'a', accepted: refused })
  t.is(progressOf(count.state).waiting, 2)
  const again = count.accepts('a')
  t.deepEqual(again, ['count-1-2', 'count-2-2'])
  const unknown = { outcome: 'unknown', taskIds: again } as unknown as Accepted
  count.input({ kind: 'answered', agentId: 'a', accepted: unknown })
  t.is(progressOf(count.state).waiting, 0)
  count.status('count-1-2', 'TASK_GONE', {
    source: 'master',
    message: 'its agent does not have it',
  })
  t.is(progressOf(count.state).waiting, 1)
  t.like(count.state.agents.get('a'), { offers: 2, accepted: 0, unanswered: 2 })
})

test('a part that fails again and again ends it, with what its task said', (t) => {
  const count = new Count(1)
  for (let i = 1; i <= 5; i++) {
    const [taskId = ''] = count.accepts('a')
    const fields = { message: 'command exited with status 1' }
    t.like(count.status(taskId, 'TASK_FAILED', fields)[0], { do: 'read', stream: 'stderr' })
    const text = 'one\nsh: cannot open x: No such file\n'
    const effects = count.input({ kind: 'output', taskId, text })
    if (i < 5) t.deepEqual(kinds(effects), ['tell', 'revive'])
    else {
      const why = 'command exited with status 1: sh: cannot open x: No such file'
      t.deepEqual(effects.at(-1), { do: 'end', why: `part 1 was tried 5 times: ${why}` })
    }
  }
})

/** What an agent answers when it is asked about sandboxes. */
import test from 'ava'
import type { Launch, SessionId } from '../../../../protocol/ids.ts'
import { FOUND_SANDBOXES_MAX } from '../../../../protocol/limits.ts'
import type { FindSandboxes } from '../../../../protocol/schema/sandbox.ts'
import {
  aProfile,
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  LEADER,
  NEXT_LEADER,
} from './builders.ts'

const REQUEST = 'cccccccccccccccc' as SessionId
const aQuestion = (given: Partial<FindSandboxes> = {}) =>
  ({
    kind: 'leader.finds',
    question: {
      ...LEADER,
      framework: '',
      task: '',
      request: REQUEST,
      everyoneAnswers: true,
      ...given,
    },
  }) as const

/** It holds one task, has forgotten another. */
function anAgentWithTwo() {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('old-1')]))
  rig.started('old-1')
  rig.ended('old-1')
  rig.ackAll()
  rig.heardAll()
  rig.orders(aRun([aTask('new-1')]))
  rig.started('new-1')
  return rig
}

test('sandboxes of tasks that run, and of those long forgotten, are found', (t) => {
  const rig = anAgentWithTwo()
  const [effect] = rig.hear(aQuestion())
  t.like(effect, {
    do: 'send-found',
    message: { request: REQUEST, sandboxes: [aRef('new-1'), aRef('old-1')], more: false },
  })
  const sandboxes = effect?.do === 'send-found' ? effect.message.sandboxes : []
  t.deepEqual(
    sandboxes.map(({ endedAtMs }) => typeof endedAtMs),
    ['undefined', 'number'],
  )
})

test('only those are named that are meant; who has none answers only if everyone does', (t) => {
  const rig = anAgentWithTwo()
  const found = rig.hear(aQuestion({ task: 'old', framework: FRAMEWORK.frameworkId.slice(0, 1) }))
  t.like(found[0], { message: { sandboxes: [aRef('old-1')] } })
  t.like(rig.hear(aQuestion({ task: 'x' }))[0], { message: { sandboxes: [] } })
  t.deepEqual(rig.hear(aQuestion({ framework: 'x', everyoneAnswers: false })), [])
})

test('only the leader that is followed is answered', (t) => {
  const rig = anAgentWithTwo()
  t.deepEqual(rig.hear(aQuestion(NEXT_LEADER)), [])
  t.deepEqual(rig.hear(aQuestion({ ...LEADER, epoch: 4 })), [])
})

test('a sandbox is looked into as it is asked for', (t) => {
  const rig = anAgentWithTwo()
  const look = { path: Buffer.from('a/b'), want: 'read', offset: 5, bytesMax: 100 } as const
  const { launch, ...sandbox } = aRef('old-1')
  t.deepEqual(rig.orders({ kind: 'send-sandbox', ...sandbox, launch, ...look, request: REQUEST }), [
    { do: 'read-sandbox', to: FRAMEWORK, request: REQUEST, sandbox: { ...sandbox, launch }, look },
  ])
})

test('a sandbox that was found with an absurd time does not spoil the answer', (t) => {
  for (const [atMs, endedAtMs] of [
    [-315_619_200_000.5, 0],
    [1e15, 253_402_300_799_999],
  ]) {
    const rig = aRegisteredAgent(aProfile({ sandboxKeepMs: Number.MAX_SAFE_INTEGER }))
    rig.hear({ kind: 'disk.measured', found: [{ sandbox: aRef('lost-1'), atMs: atMs as number }] })
    const [effect] = rig.hear(aQuestion())
    t.like(effect, { message: { sandboxes: [{ ...aRef('lost-1'), endedAtMs }] } })
  }
})

/** Of one task so many launches are left, adopted in any order. */
function anAgentWithMany(taskIds: readonly string[], count: number) {
  const keeps = { sandboxKeepMs: Number.MAX_SAFE_INTEGER, sandboxesMax: 10_000 }
  const rig = aRegisteredAgent(aProfile(keeps))
  const found = Array.from({ length: count }, (_, i) => i + 1).flatMap((made) =>
    taskIds.map((taskId, i) => ({
      sandbox: { ...aRef(taskId), launch: launchOf(i + 1, made) },
      atMs: (made * 7_919) % count,
    })),
  )
  rig.hear({ kind: 'disk.measured', found })
  return rig
}
const launchOf = (epoch: number, made: number): Launch =>
  `${epoch}-0123456789abcdef-${made}` as Launch

test('of more sandboxes than are named, the newest are', (t) => {
  const rig = anAgentWithMany(['web-1'], 3 * FOUND_SANDBOXES_MAX + 5)
  const [effect] = rig.hear(aQuestion())
  const newest = Array.from({ length: FOUND_SANDBOXES_MAX }, (_, i) => ({
    launch: launchOf(1, 3 * FOUND_SANDBOXES_MAX + 5 - i),
  }))
  t.like(effect, { message: { sandboxes: newest, more: true } })
})

test('where a whole id is asked for, longer ones that begin so are not named', (t) => {
  const rig = anAgentWithMany(['web-1', 'web-10', 'web-11'], FOUND_SANDBOXES_MAX)
  const said = (task: string) => {
    const [effect] = rig.hear(aQuestion({ task }))
    const { sandboxes, more } = effect?.do === 'send-found' ? effect.message : { sandboxes: [] }
    return { ids: [...new Set(sandboxes.map(({ taskId }) => taskId))], more }
  }
  t.deepEqual(said('web-1'), { ids: [aRef('web-1').taskId], more: false })
  t.deepEqual(said('web'), { ids: [aRef('web-11').taskId], more: true })
})

test('a task that never had a container has no sandbox to be found', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('huge-1', { resources: { cpus: 1_000 } })]))
  t.like(rig.hear(aQuestion())[0], { message: { sandboxes: [] } })
})

/** Which sandbox is meant, by what agents answer, and what is said of those that do not. */
import test from 'ava'
import { findLaunches, findSandbox } from '../../../cli/find-sandbox.ts'
import { wantedTask } from '../../../cli/find-task.ts'
import type { AgentId, FrameworkId, Launch, Principal, TaskId } from '../../../protocol/ids.ts'
import { FOUND_SANDBOXES_MAX } from '../../../protocol/limits.ts'
import type {
  FoundSandbox,
  OperatorFindSandboxes,
  SandboxesFound,
} from '../../../protocol/schema/sandbox.ts'
import { sandboxesFound } from '../../../protocol/subjects.ts'
import { aWorld, CLUSTER, serveOperators, type World } from '../../support/operator-world.ts'

const launchOf = (made: number): Launch => `1-0123456789abcdef-${made}` as Launch
const aSandbox = (taskId: string, made: number): FoundSandbox => ({
  principal: 'local' as Principal,
  frameworkId: 'f' as FrameworkId,
  taskId: taskId as TaskId,
  launch: launchOf(made),
})

type Found = Omit<SandboxesFound, 'request'> | 'silent'

/** The leader knows no task; each agent answers as it is given, unless it is silent. */
function serve({ leader, clock }: World, found: readonly Found[], everyoneAnswers = true): void {
  serveOperators({ leader, clock }, (body, { verb }, message) => {
    if (verb !== 'find-sandboxes') return leader.answer(message, { items: [] })
    const { request } = body as OperatorFindSandboxes
    leader.answer(message, { agents: found.length, everyoneAnswers })
    for (const [i, one] of found.entries()) {
      const agentId = `agent-${i}` as AgentId
      if (one === 'silent') continue
      leader.send(sandboxesFound, { cluster: CLUSTER, agentId }, { request, ...one })
    }
  })
}

const some = (...sandboxes: readonly FoundSandbox[]): Found => ({
  sandboxes: [...sandboxes],
  more: false,
})
const someOfMore = (...sandboxes: readonly FoundSandbox[]): Found => ({
  sandboxes: [...sandboxes],
  more: true,
})

async function asked(found: readonly Found[], text: string, launch?: Launch) {
  const world = await aWorld()
  serve(world, found)
  return world.clock.runFor(findSandbox(world.client, { ...wantedTask(text), launch }))
}

test('of all that agents have, the newest is meant', async (t) => {
  const found = [some(aSandbox('web', 1)), some(aSandbox('web', 3), aSandbox('web', 2)), some()]
  const { sandbox, others, gap } = await asked(found, 'web')
  t.like(sandbox, { agentId: 'agent-1', launch: launchOf(3) })
  t.deepEqual([others, gap], [[], undefined])
  t.like(await asked(found, 'web', launchOf(1)), { sandbox: { agentId: 'agent-0' } })
})

test('an agent that has not answered may have a newer one, and that is said', async (t) => {
  const { gap } = await asked([some(aSandbox('web', 1)), 'silent', 'silent'], 'web')
  t.is(gap, 'only 1 of 3 agents have answered')
})

test('nobody who is silent is said to have nothing', async (t) => {
  await t.throwsAsync(asked([some(), 'silent'], 'web'), {
    code: 'cli/no-task',
    message: /only 1 of 2 agents have answered, which have kept nothing of one$/,
  })
  await t.throwsAsync(asked([some()], 'web'), { message: /the one agent .* has kept nothing/ })
  await t.throwsAsync(asked([some(), some()], 'web'), { message: /the 2 agents .* have kept/ })
  const world = await aWorld()
  serve(world, ['silent', 'silent'], false)
  await t.throwsAsync(world.clock.runFor(findSandbox(world.client, wantedTask('web'))), {
    message: /none of the 2 agents that are there has named any$/,
  })
})

test('where agents have more than they name, nothing is chosen by the begin of an id', async (t) => {
  const found = [someOfMore(aSandbox('web-1', 9))]
  await t.throwsAsync(asked(found, 'web'), {
    code: 'cli/several-tasks',
    message: /^web begins the task f\/web-1, and perhaps others .*: give the whole id$/,
  })
  t.like(await asked(found, 'web-1'), { sandbox: { launch: launchOf(9) } })
  await t.throwsAsync(asked(found, 'web-1', launchOf(1)), {
    code: 'cli/no-launch',
    message: /^nothing is known of launch .* there are more than agents name at once$/,
  })
  await t.throwsAsync(asked([some(aSandbox('web-1', 9))], 'web-1', launchOf(1)), {
    message: /^nothing is left of launch /,
  })
})

test('launches are listed newest first, with why there may be others', async (t) => {
  const world = await aWorld()
  serve(world, [some(aSandbox('web', 1)), someOfMore(aSandbox('web', 2)), 'silent'])
  const { launches, gap } = await world.clock.runFor(findLaunches(world.client, wantedTask('web')))
  t.deepEqual(
    launches.map(({ launch }) => launch),
    [launchOf(2), launchOf(1)],
  )
  t.is(gap, 'only 2 of 3 agents have answered, and there are more than agents name at once')
})

test('a large cluster is not listened to for ever', async (t) => {
  const world = await aWorld()
  const full = (agent: number): Found => {
    const made = (i: number): number => agent * FOUND_SANDBOXES_MAX + i
    const sandboxes = Array.from({ length: FOUND_SANDBOXES_MAX }, (_, i) =>
      aSandbox('web', made(i)),
    )
    return someOfMore(...sandboxes)
  }
  serve(
    world,
    Array.from({ length: 100 }, (_, agent) => full(agent)),
    false,
  )
  const { launches, gap } = await world.clock.runFor(findLaunches(world.client, wantedTask('web')))
  t.true(launches.length >= 20_000 && launches.length < 21_000)
  t.truthy(gap)
})

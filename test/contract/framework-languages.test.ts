/**
 * The frameworks of examples/ in other languages against a leader that plays what seldom happens:
 * messages that get lost, old leaders, offers that are gone, statuses that come twice.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Acknowledgements } from '../../protocol/schema/agent.ts'
import type { Accept, Decline, Subscribe } from '../../protocol/schema/calls.ts'
import {
  type Ended,
  frameworkIn,
  hasLanguage,
  LANGUAGES,
  type Language,
  runProgram,
} from '../support/languages.ts'
import { startTestServer } from '../support/nats.ts'
import { type Line, playLeader, type Stage } from '../support/scripted-leader.ts'

const offer = (offerId: string, cpus = 4) => ({
  offerId,
  agentId: 'agent-1',
  hostname: 'host-1',
  role: '*',
  attributes: [],
  resources: [
    { name: 'cpus', scalar: cpus },
    { name: 'mem', scalar: 512 },
    { name: 'ports', ranges: [[1, 2]] },
  ],
})

const SUBSCRIBED = {
  kind: 'subscribed',
  subscription: { epoch: 3, count: 1 },
  master: 'm1',
  version: 1,
  pingMs: 5_000,
  pingsMissedMax: 3,
  failoverMs: 600_000,
}

/** What another said of the task before the agent's own. */
const OLD = { incarnation: 1, count: 1 }

const status = (taskId: string, state: string, uuid?: string) => ({
  taskId,
  state,
  source: uuid === undefined ? 'master' : 'agent',
  atMs: 1_763_683_200_123,
  ...(uuid !== undefined && { uuid: uuid.repeat(32), number: { incarnation: 1, count: 2 } }),
})

/** What the framework said, but for what it repeats at each beat. */
class Script {
  readonly said: string[] = []
  readonly #counts = new Map<string, number>()

  play = (line: Line, stage: Stage): void => {
    const { verb } = line
    const nth = (this.#counts.get(verb) ?? 0) + 1
    this.#counts.set(verb, nth)
    if (verb === 'subscribe') return this.#subscribe(line, nth, stage)
    if (verb === 'pong') this.#offerFirst(stage)
    if (verb === 'accept') this.#accept(line, nth, stage)
    // The first is lost on the way.
    if (verb === 'teardown' && nth === 2) line.answer()
    if (verb === 'ack') {
      const { acks } = line.body as Acknowledgements
      this.said.push(...acks.map(({ uuid }) => `ack ${uuid[0]}`))
    }
    if (verb === 'decline') {
      const { offers, reason, refuseMs } = line.body as Decline
      this.said.push(`decline ${offers.join()} ${reason} ${refuseMs}`)
    }
  }

  #subscribe(line: Line, nth: number, { tell }: Stage): void {
    if (nth === 1) return line.refuse('recovering', 'this leader has just taken over')
    line.answer()
    if (nth === 2) tell([{ kind: 'of the future', field: 1 }, SUBSCRIBED, { kind: 'ping' }])
  }

  #offerFirst({ tell }: Stage): void {
    tell([{ kind: 'offers', offers: [offer('old')] }], 2)
    const rescind = { kind: 'rescind', offers: ['b'], reason: 'timed-out' }
    tell([{ kind: 'offers', offers: [offer('a'), offer('b')] }, rescind])
  }

  #accept(line: Line, nth: number, { tell, update }: Stage): void {
    const { offers, operations } = line.body as Accept
    const [task] = operations.flatMap(({ tasks }) => tasks)
    this.said.push(`accept ${offers.join()} ${task?.command.argv?.join(' ')}`)
    const taskId = task?.taskId ?? ''
    if (nth === 1) {
      line.refuse('used', 'offer b was rescinded')
      tell([
        { kind: 'offers', offers: [offer('c', 0.05)] },
        { kind: 'offers', offers: [offer('d')] },
      ])
    } else if (nth === 2) {
      line.answer()
      const dropped = status(taskId, 'TASK_DROPPED')
      tell([
        { kind: 'status', status: dropped },
        { kind: 'offers', offers: [offer('e')] },
      ])
    } else {
      line.answer()
      tell([
        { kind: 'failure', agentId: 'agent-2' },
        { kind: 'offers', offers: [offer('f')] },
      ])
      const running = status(taskId, 'TASK_RUNNING', '1')
      update([running, status(taskId, 'TASK_RUNNING'), status('of-another', 'TASK_FAILED', '2')])
      tell([{ kind: 'status', status: status(taskId, 'TASK_STAGING') }])
      tell([{ kind: 'status', status: { ...running, state: 'TASK_STARTING', number: OLD } }])
      update([running, status(taskId, 'TASK_FINISHED', '3')])
    }
  }
}

/** Runs the framework in `language` with that leader. */
async function playedFor(
  t: ExecutionContext,
  language: Language,
  script: (line: Line, stage: Stage) => void,
): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-languages-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const server = await startTestServer()
  t.teardown(() => server.close())
  const leader = await playLeader(server.url, script)
  t.teardown(() => leader.close())
  const env = { ...process.env, NATS_URL: server.url }
  const ended = await runProgram(frameworkIn(language, folder), env)
  t.deepEqual(leader.problems, [])
  return ended
}

for (const language of LANGUAGES) {
  test(`in ${language} a framework takes what comes, and says what matters until it is heard`, async (t) => {
    if (!hasLanguage(t, language)) return
    const script = new Script()
    const { code, lines, stderr } = await playedFor(t, language, script.play)
    t.deepEqual(script.said, [
      'decline a the first one 1000',
      'accept b echo hello',
      'decline c too small 1000',
      'accept d echo hello',
      'accept e echo hello',
      'decline f one is enough 1000',
      'ack 1',
      'ack 2',
      'ack 1',
      'ack 3',
    ])
    t.deepEqual(
      { code, lines, stderr },
      {
        code: 0,
        lines: [
          'subscribe was refused: recovering: this leader has just taken over',
          'declined an offer of agent-1: the first one',
          'accepted an offer of agent-1',
          'accept was refused: used: offer b was rescinded',
          'declined an offer of agent-1: too small',
          'accepted an offer of agent-1',
          'echo-4 is TASK_DROPPED',
          'accepted an offer of agent-1',
          'declined an offer of agent-1: one is enough',
          'echo-5 is TASK_RUNNING',
          'echo-5 is TASK_FINISHED',
        ],
        stderr: '',
      },
    )
  })

  test(`in ${language} a framework that somebody tears down says so and ends`, async (t) => {
    if (!hasLanguage(t, language)) return
    const error = { kind: 'error', name: 'torn-down', message: 'the framework was torn down' }
    const ended = await playedFor(t, language, ({ verb }, { tell }) => {
      if (verb === 'subscribe') tell([SUBSCRIBED, error])
    })
    t.deepEqual(ended, { code: 1, lines: [''], stderr: 'the framework was torn down\n' })
  })

  test(`in ${language} a framework subscribes with every new leader, and hears no old one`, async (t) => {
    if (!hasLanguage(t, language)) return
    const secrets = new Set<string>()
    const known = new Set<string>()
    const ended = await playedFor(t, language, ({ verb, body, answer }, { tell, lead }) => {
      answer()
      if (verb === 'subscribe') {
        const said = body as Subscribe
        secrets.add(said.secret)
        known.add(`${said.known} in ${said.epoch}`)
        tell([SUBSCRIBED], 3)
        lead(4)
        tell([SUBSCRIBED, { kind: 'ping' }], 4)
      } else if (verb === 'pong') {
        tell([{ kind: 'offers', offers: [offer('old')] }], 3)
        tell([{ kind: 'error', name: 'torn-down', message: 'by the new leader' }], 4)
      }
    })
    t.deepEqual(ended, { code: 1, lines: [''], stderr: 'by the new leader\n' })
    t.is(secrets.size, 1)
    t.deepEqual([...known], ['false in 3', 'true in 4'])
  })

  test(`in ${language} a framework that was torn down while it was away does not begin anew`, async (t) => {
    if (!hasLanguage(t, language)) return
    const ended = await playedFor(t, language, ({ verb, body, refuse }, { tell, lead }) => {
      if (verb !== 'subscribe') return
      if ((body as Subscribe).known === true) return refuse('torn-down', 'it is no more')
      tell([SUBSCRIBED], 3)
      lead(4)
    })
    t.deepEqual(ended, { code: 1, lines: [''], stderr: 'it is no more\n' })
  })
}

import test from 'ava'
import { tellAwaiting } from '../../../../actors/agent/awaiting.ts'
import { type AgentState, newAgent } from '../../../../actors/agent/state.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import type { AgentId } from '../../../../protocol/ids.ts'

function anAgent(fields: Partial<AgentState> = {}): AgentState {
  const agentId = 'a1' as AgentId
  const profile = { agentId, hostname: 'h', resources: [], attributes: [], sandboxesMax: 0 }
  return Object.assign(newAgent(profile, '0123456789abcdef0123456789abcdef'), fields)
}

const OPEN = { kind: 'open' } as AgentState['link']
const GIVEN_UP = { kind: 'given-up' } as AgentState['link']

function passTo(clock: SimulatedClock, monotonicMs: number): void {
  let isThere = false
  clock.at(monotonicMs, () => {
    isThere = true
  })
  while (!isThere) clock.step()
}

function aTold(...states: readonly AgentState[]) {
  const clock = new SimulatedClock()
  const notes: string[] = []
  const end = tellAwaiting({
    states,
    clock,
    onNote: (note) => void notes.push(note),
    onRegistered: () => void notes.push('registered'),
  })
  return { clock, notes, end }
}

test('that all agents have registered is told once', (t) => {
  const later = anAgent()
  const { clock, notes } = aTold(anAgent({ link: OPEN }), later, anAgent({ link: GIVEN_UP }))
  passTo(clock, 4_000)
  t.deepEqual(notes, [])
  later.link = OPEN
  passTo(clock, 60_000)
  t.deepEqual(notes, ['registered'])
})

test('an agent that is not registered after 5 s says so once, and once that it is', (t) => {
  const state = anAgent()
  const { clock, notes } = aTold(state)
  passTo(clock, 4_999)
  t.deepEqual(notes, [])
  passTo(clock, 60_000)
  t.deepEqual(notes, ['not registered yet: it waits for a master that leads, and hears none'])
  state.link = OPEN
  passTo(clock, 120_000)
  t.is(notes.length, 2)
  t.is(notes[1], 'registered')
})

test('an agent that was registered once and loses its session says nothing more here', (t) => {
  const state = anAgent({ link: OPEN })
  const { clock, notes } = aTold(state)
  passTo(clock, 1_000)
  state.link = { kind: 'closed' }
  passTo(clock, 60_000)
  t.deepEqual(notes, ['registered'])
})

test('what it waits for is told; of many agents how many wait', (t) => {
  const told = (...states: readonly AgentState[]): string | undefined => {
    const { clock, notes } = aTold(...states)
    passTo(clock, 5_200)
    return notes[0]
  }
  const isThere = { hasHeardLeader: true }
  const open = { kind: 'opening' } as AgentState['link']
  t.is(
    told(anAgent({ ...isThere, link: open })),
    'not registered yet: the leader is there, and has not taken it in',
  )
  t.is(told(anAgent(isThere)), 'not registered yet: the leader has told it to come again')
  t.is(
    told(anAgent({ cannotRecord: 'the disk is full' })),
    'not registered yet: the checkpoint cannot be written: the disk is full',
  )
  t.is(
    told(anAgent({ link: OPEN }), anAgent(isThere)),
    'not registered yet (1 of 2 agents): the leader has told it to come again',
  )
  t.is(told(anAgent({ link: GIVEN_UP })), undefined)
})

test('an agent that the leader refuses for now says so soon', (t) => {
  const refusal = 'taken: agent a1 is on h2, and was heard a moment ago'
  const state = anAgent({ hasHeardLeader: true, refusal })
  const { clock, notes } = aTold(state)
  passTo(clock, 1_200)
  t.deepEqual(notes, [`not registered yet: the leader refuses it for now (${refusal})`])
  state.link = OPEN
  passTo(clock, 60_000)
  t.is(notes[1], 'registered')
})

test('an agent that is stopped says nothing any more', (t) => {
  const { clock, notes, end } = aTold(anAgent())
  end()
  passTo(clock, 60_000)
  t.deepEqual(notes, [])
})

test('an agent that is refused for good after it has waited is not registered', (t) => {
  const state = anAgent()
  const { clock, notes } = aTold(state)
  passTo(clock, 6_000)
  state.link = GIVEN_UP
  passTo(clock, 60_000)
  t.is(notes.length, 1)
})

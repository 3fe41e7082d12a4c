/** Agents as they run: messages in, cores in the middle, effects out. The only I/O is here. */
import { constants } from 'node:os'
import type {
  ContainerEvent,
  Exit,
  OnContainerEvent,
  RecoveredContainer,
  CheckSeen as Seen,
} from '../../agent-runtime/containerizer/containerizer.ts'
import type { Runtime } from '../../agent-runtime/runtime.ts'
import type { Subscription } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import type { Messenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import {
  CONTAINERIZERS,
  IMAGES,
  ISOLATION,
  ISOLATORS,
  OWN_ATTRIBUTES,
} from '../../protocol/agent-attributes.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId, Launch } from '../../protocol/ids.ts'
import type { Attribute } from '../../protocol/schema/common.ts'
import type { SandboxPiece } from '../../protocol/schema/sandbox.ts'
import {
  acknowledgements,
  agentOrders,
  agentReports,
  leaderBeat,
  sandboxesFound,
  sandboxPieces,
  sandboxQuestions,
  statusUpdates,
  taskOutput,
  taskUsage,
} from '../../protocol/subjects.ts'
import { type RunningActor, runActor } from '../kit/run-actor.ts'
import { type Action, Batch, type Unperformed } from './batch.ts'
import { agentCore } from './core.ts'
import type { Effect, OutputWanted } from './effects.ts'
import type { CheckSeen, ExitSeen, FoundContainer, Input, Leaves } from './inputs.ts'
import type { Journal } from './journal.ts'
import { ignoresBeat, isUnknown } from './leader.ts'
import { Looks } from './looks.ts'
import { type AgentState, newAgent, type Profile } from './state.ts'

/** One agent's machine, real or pretended. */
export interface Machine {
  /** Without `isolation`, which the containerizer tells. */
  readonly profile: Profile
  readonly openRuntime: (onEvent: OnContainerEvent) => Promise<Runtime>
}

export interface AgentsDeps {
  readonly cluster: string
  readonly messenger: Messenger
  readonly clock: Clock
  readonly randomToken: RandomToken
  readonly machines: readonly Machine[]
  /** Called when all runtimes are open: each keeps other agents off its machine. */
  readonly openJournal: () => Journal
  /** Differs after a reboot. */
  readonly bootId: string
  readonly leaves: Leaves
  /** This agent cannot go on, or without an id none of them. Their tasks run on. */
  readonly onGiveUp: (message: string, agentId?: AgentId) => void
  /** Something outside did not work; the agent goes on. */
  readonly onFault: (fault: unknown) => void
  /** Something that is good to know, for who runs them. */
  readonly onNote?: ((message: string) => void) | undefined
}

export interface OpenAgents {
  /** For those who look on: simulations and tests. */
  readonly states: readonly AgentState[]
  /** Says so, and nothing is performed or said after this. Tasks run on. */
  close(): Promise<void>
}

interface Agent extends Runtime {
  readonly agentId: AgentId
  readonly state: AgentState
  readonly actor: RunningActor<Input>
  readonly looks: Looks
}

/**
 * Runs agents on an open connection, which stays the caller's.
 *
 * @throws {ClusterError} when a machine is in use or the checkpoint cannot be read.
 */
export async function openAgents(deps: AgentsDeps): Promise<OpenAgents> {
  const agents: Agent[] = []
  const runtimes: Runtime[] = []
  const closing: (() => Promise<void> | void)[] = []
  const closeAll = async (): Promise<void> => {
    for (const closeOne of closing.splice(0).reverse()) await closeOne()
  }
  try {
    for (const [i, machine] of deps.machines.entries()) {
      const runtime = await machine.openRuntime((event) => agents[i]?.actor.input(inputOf(event)))
      runtimes.push(runtime)
      closing.push(() => runtime.containerizer.close())
    }
    const journal = deps.openJournal()
    closing.push(() => journal.close())
    const batch = openBatch(deps, journal, agents)
    closing.push(() => batch.stop())
    const orders = hearOrders(deps, agents)
    closing.push(() => orders.forEach((subscription) => subscription.close()))
    for (const [i, { profile }] of deps.machines.entries()) {
      const runtime = runtimes[i] as Runtime
      const found = await runtime.containerizer.recover()
      const agent = openAgent(deps, { profile, runtime, batch })
      agents.push(agent)
      closing.push(() => agent.actor.stop())
      const { agentId } = profile
      const start = { records: journal.recall(agentId), bootId: deps.bootId }
      agent.actor.input({ kind: 'start', containers: found.map(foundOf), ...start })
    }
    const subscriptions = listen(deps, agents)
    closing.push(() => subscriptions.forEach((subscription) => subscription.close()))
    batch.release()
    return {
      states: agents.map(({ state }) => state),
      async close() {
        for (const { actor } of agents) actor.input({ kind: 'stop', leaves: deps.leaves })
        batch.finish()
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

function openBatch(deps: AgentsDeps, journal: Journal, agents: readonly Agent[]): Batch<Agent> {
  return new Batch({
    journal,
    soon: (fn) => deps.clock.soon(fn),
    perform: (agent, action) => perform(deps, agent, action),
    after: (delayMs, fn) => deps.clock.after(delayMs, fn),
    onLarge() {
      for (const { actor } of agents) actor.input({ kind: 'checkpoint.grown' })
    },
    onStuck: (error, unperformed) => stopRecording(deps, agents, { error, unperformed }),
    onUnstuck() {
      deps.onNote?.('the checkpoint can be written again')
      for (const { actor } of agents) actor.input({ kind: 'recording.restored' })
    },
  })
}

interface Stuck {
  readonly error: unknown
  readonly unperformed: readonly Unperformed<Agent>[]
}

/** What else goes wrong is no fault of the disk's, and nothing is said or done after it. */
function stopRecording(
  deps: AgentsDeps,
  agents: readonly Agent[],
  { error, unperformed }: Stuck,
): void {
  if (!(error instanceof ClusterError) || error.retry === 'never') {
    for (const { actor } of agents) actor.stop()
    deps.onGiveUp(`the checkpoint cannot be written: ${String(error)}`)
    return
  }
  const why = withCause(error)
  const message = `${why}: nothing new is run or told before it can be`
  deps.onFault(new ClusterError(error.code, 'later', message, { cause: error }))
  const unlaunched = new Map<Agent, Launch[]>(agents.map((agent) => [agent, []]))
  for (const { agent, action } of unperformed) {
    if (action.do === 'launch') unlaunched.get(agent)?.push(action.container.containerId)
  }
  for (const [{ actor }, launches] of unlaunched) {
    actor.input({ kind: 'recording.failed', why, unlaunched: launches })
  }
}

/** `cannot write /x/checkpoint: ENOSPC: no space left on device, write`. */
function withCause({ message, cause }: ClusterError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

interface Parts {
  readonly profile: Profile
  readonly runtime: Runtime
  readonly batch: Batch<Agent>
}

function openAgent(deps: AgentsDeps, { profile, runtime, batch }: Parts): Agent {
  const { isolation, isolators, missing, kinds, images } = runtime.containerizer
  const attributes: Attribute[] = [{ name: ISOLATION, text: isolation }]
  attributes.push({ name: ISOLATORS, text: isolators.join(',') })
  attributes.push({ name: CONTAINERIZERS, text: kinds.join(',') })
  if (images !== undefined) attributes.push({ name: IMAGES, text: images })
  // What was tried here is believed, and nobody's word for it.
  attributes.push(...profile.attributes.filter(({ name }) => !OWN_ATTRIBUTES.includes(name)))
  for (const sentence of missing) deps.onNote?.(sentence)
  const state = newAgent({ ...profile, attributes }, deps.randomToken(128))
  const clock: Clock = {
    now: () => deps.clock.now(),
    after: (delayMs, fn) => deps.clock.after(delayMs, fn),
    soon: (fn) => batch.soon(fn),
  }
  const actor = runActor({
    core: agentCore,
    state,
    clock,
    perform: (effect) => batch.add(agent, effect),
  })
  const looks = new Looks(deps.onFault)
  const agent: Agent = { agentId: profile.agentId, state, ...runtime, actor, looks }
  return agent
}

/** Agents of one process that open sessions in one turn: more would keep it from reading. */
const OPENING_PER_TURN = 500

/** Hands something to many agents, some in each turn. */
function inTurns(deps: AgentsDeps, agents: readonly Agent[], hand: (agent: Agent) => void): void {
  for (const agent of agents.slice(0, OPENING_PER_TURN)) hand(agent)
  const others = agents.slice(OPENING_PER_TURN)
  if (others.length > 0) deps.clock.soon(() => inTurns(deps, others, hand))
}

/**
 * Orders are heard from the beginning: recovery may take long, and who is silent meanwhile would be
 * given up.
 */
function hearOrders(deps: AgentsDeps, agents: readonly Agent[]): Subscription[] {
  const { cluster, messenger } = deps
  return deps.machines.map(({ profile: { agentId } }, i) =>
    messenger.listen(agentOrders, { cluster, agentId }, (message) => {
      const agent = agents[i]
      if (agent !== undefined) agent.actor.input({ kind: 'leader.orders', message })
      else messenger.send(agentReports, { cluster, agentId }, { reports: [RECOVERING] })
    }),
  )
}

const RECOVERING = { kind: 'waiting', why: 'the agent has just started and recovers' } as const

/** All agents of a process hear the leader's beats once. */
function listen(deps: AgentsDeps, agents: readonly Agent[]): Subscription[] {
  const { cluster, messenger } = deps
  const own = agents.map(({ agentId, actor }) =>
    messenger.listen(acknowledgements, { cluster, agentId }, (message, from) =>
      actor.input({ kind: 'framework.acks', from, message }),
    ),
  )
  const beats = messenger.listen(leaderBeat, { cluster }, (beat) => {
    const hearing = agents.filter(({ state }) => !ignoresBeat(state, beat))
    const hand = ({ actor }: Agent): void => actor.input({ kind: 'leader.beat', beat })
    // The first leader makes all of them open. Any other invites them after its beat, which they
    // must have heard by then, and they open when they are invited.
    const isAnother = ({ state }: Agent): boolean => state.hasHeardLeader && isUnknown(state, beat)
    if (hearing.some(isAnother)) hearing.forEach(hand)
    else inTurns(deps, hearing, hand)
  })
  const questions = messenger.listen(sandboxQuestions, { cluster }, (question) =>
    inTurns(deps, agents, ({ actor }) => actor.input({ kind: 'leader.finds', question })),
  )
  const states = messenger.bus.onState((state) => {
    if (state === 'closed') return
    if (state === 'disconnected') {
      for (const { actor } of agents) actor.input({ kind: 'bus.disconnected' })
      return
    }
    inTurns(deps, agents, ({ actor }) => {
      // It may have been lost again since the first had their turn.
      if (messenger.bus.state === 'connected') actor.input({ kind: 'bus.connected' })
    })
  })
  return [...own, beats, questions, states]
}

function perform(deps: AgentsDeps, agent: Agent, action: Action): void {
  const { cluster, messenger, onFault } = deps
  const { agentId, containerizer, sandboxes } = agent
  switch (action.do) {
    case 'launch':
      return containerizer.launch(action.container)
    case 'kill':
      return containerizer.kill(action.containerId, action.graceMs)
    case 'run-check':
      return containerizer.check(action)
    case 'destroy':
      return void containerizer.destroy(action.containerId)?.catch(onFault)
    case 'remove-sandbox':
      return void sandboxes.remove(action.sandbox)?.catch(onFault)
    case 'remove-unused':
      return void containerizer.removeUnused(action.unusedMs).catch(onFault)
    case 'read-output':
      return void readOutput(deps, agent, action)
    case 'read-sandbox': {
      const send = (piece: SandboxPiece): void =>
        messenger.send(sandboxPieces, { cluster, agentId, ...action.to }, piece)
      return agent.looks.add({ sandboxes, wanted: action, send })
    }
    case 'send-found':
      return messenger.send(sandboxesFound, { cluster, agentId }, action.message)
    case 'read-usage':
      return void readUsage(deps, agent, action)
    case 'measure-disk':
      return void measureDisk(deps, agent, action.lists)
    case 'report':
      return messenger.send(agentReports, { cluster, agentId }, action.message)
    case 'update':
      return messenger.send(statusUpdates, { cluster, agentId, ...action.to }, action.message)
    case 'send-output':
      return messenger.send(taskOutput, { cluster, agentId, ...action.to }, action.message)
    case 'send-usage':
      return messenger.send(taskUsage, { cluster, agentId, ...action.to }, action.message)
    case 'give-up':
      return deps.onGiveUp(action.message, agentId)
  }
}

/** What cannot be read is missing, for who asked. */
async function readOutput(deps: AgentsDeps, agent: Agent, wanted: OutputWanted): Promise<void> {
  const { request, ...read } = wanted
  const output = await agent.sandboxes.readOutput(read).catch(deps.onFault)
  const answer = output === undefined ? {} : { output }
  agent.actor.input({ kind: 'output.read', request, ...answer })
}

type ReadUsage = Extract<Effect, { do: 'read-usage' }>

async function readUsage(deps: AgentsDeps, agent: Agent, wanted: ReadUsage): Promise<void> {
  const { containerId, asked } = wanted
  try {
    const usage = await agent.containerizer.usage(containerId)
    agent.actor.input({ kind: 'usage.read', asked, ...(usage && { usage: { ...usage } }) })
  } catch (fault) {
    // No answer is not known; that there is no such task is not true.
    deps.onFault(fault)
  }
}

async function measureDisk(deps: AgentsDeps, agent: Agent, lists: boolean): Promise<void> {
  const { sandboxes } = agent
  const usedPart = await sandboxes.diskUsedPart().catch(deps.onFault)
  const found = lists ? await sandboxes.list().catch(deps.onFault) : undefined
  agent.actor.input({
    kind: 'disk.measured',
    ...(typeof usedPart === 'number' && { usedPart }),
    ...(found && { found }),
  })
}

function inputOf(event: ContainerEvent): Input {
  const { containerId } = event
  switch (event.kind) {
    case 'started':
      return { kind: 'container.started', containerId }
    case 'ended':
      return { ...event, kind: 'container.ended', exit: exitOf(event.exit) }
    case 'launch-failed':
      return { kind: 'container.launch-failed', containerId, why: event.why }
    case 'strange-ports':
      return { kind: 'container.strange-ports', containerId, message: event.message }
    case 'checked': {
      const { which, seen } = event
      return { kind: 'check.ended', containerId, which, seen: checkSeenOf(seen) }
    }
  }
}

function foundOf({ containerId, sandbox, state }: RecoveredContainer): FoundContainer {
  const seen = state.kind === 'ended' ? { ...state, exit: exitOf(state.exit) } : state
  return { containerId, sandbox, state: seen }
}

function checkSeenOf(seen: Seen): CheckSeen {
  return 'exit' in seen ? { ...seen, exit: exitOf(seen.exit) } : seen
}

const SIGNALS: Readonly<Record<string, number>> = constants.signals

function exitOf(exit: Exit): ExitSeen {
  if (!('signal' in exit)) return exit
  const signal = SIGNALS[exit.signal]
  return signal === undefined
    ? { unknown: `the signal ${exit.signal} is not known here` }
    : { signal, name: exit.signal }
}

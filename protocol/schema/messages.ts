/**
 * The table of all that travels or is kept: which shape, from whom, to whom, with which promise.
 */
import type { Static, TSchema } from 'typebox'
import { Acknowledgements, AgentOrders } from './agent.ts'
import { AllocatorFigures } from './allocator.ts'
import {
  Accept,
  AcceptAnswer,
  ComplainCall,
  Decline,
  ExplainCall,
  HandOver,
  KillTask,
  PongCall,
  ReadOutput,
  Reconcile,
  Revive,
  Subscribe,
  Suppress,
  Teardown,
  UpdateFramework,
} from './calls.ts'
import { PublicEvents } from './event.ts'
import { Explain, Explanation, OwnExplanation } from './explain.ts'
import {
  AgentReports,
  AllocatorReports,
  LeaderBeat,
  LeaseRecord,
  PeerBeat,
  RegistryBatch,
} from './master.ts'
import {
  AgentPage,
  AskMaster,
  Done,
  FrameworkPage,
  Listing,
  MarkGone,
  MasterReport,
  OfferPage,
  OperatorKill,
  OperatorReadOutput,
  OperatorReadUsage,
  OperatorTeardown,
  RolePage,
  SetQuotas,
  SetWeights,
  TaskPage,
} from './operator.ts'
import {
  AgentsAsked,
  FindSandboxes,
  OperatorFindSandboxes,
  OperatorReadSandbox,
  SandboxesFound,
  SandboxPiece,
} from './sandbox.ts'
import { FrameworkEvents, Output, StatusUpdates, TaskUsage } from './scheduler.ts'
import { ShadowReport } from './shadow.ts'

/**
 * `at-most-once`: may be lost, never repeated by us. `at-least-once`: repeated until acknowledged.
 */
export type Delivery = 'at-most-once' | 'at-least-once' | 'request-reply' | 'stored'

export interface MessageEntry<S extends TSchema = TSchema> {
  readonly schema: S
  readonly from: string
  readonly to: string
  readonly delivery: Delivery
  /** Operators' calls refuse unknown fields; everywhere else they are dropped. */
  readonly strict?: true
}

const entry = <S extends TSchema>(
  schema: S,
  from: string,
  to: string,
  delivery: Delivery,
): MessageEntry<S> => ({ schema, from, to, delivery })

const call = <S extends TSchema>(schema: S) => entry(schema, 'framework', 'leader', 'request-reply')

const operatorCall = <S extends TSchema>(schema: S): MessageEntry<S> => ({
  ...entry(schema, 'operator', 'leader', 'request-reply'),
  strict: true,
})

const answer = <S extends TSchema>(schema: S) =>
  entry(schema, 'leader', 'operator', 'request-reply')

export const MESSAGES = {
  LeaderBeat: entry(LeaderBeat, 'leader', 'all', 'at-most-once'),
  PeerBeat: entry(PeerBeat, 'master', 'masters', 'at-most-once'),
  LeaseRecord: entry(LeaseRecord, 'master', 'the lease', 'stored'),
  RegistryBatch: entry(RegistryBatch, 'leader', 'the registry', 'stored'),
  AgentReports: entry(AgentReports, 'agent', 'leader', 'at-most-once'),
  AgentOrders: entry(AgentOrders, 'leader', 'agent', 'at-most-once'),
  StatusUpdates: entry(StatusUpdates, 'agent', 'framework, leader, observers', 'at-least-once'),
  Acknowledgements: entry(Acknowledgements, 'framework', 'agent', 'at-most-once'),
  Output: entry(Output, 'agent', 'whoever asked', 'at-most-once'),
  SandboxPiece: entry(SandboxPiece, 'agent', 'whoever asked', 'at-most-once'),
  FindSandboxes: entry(FindSandboxes, 'leader', 'agents', 'at-most-once'),
  SandboxesFound: entry(SandboxesFound, 'agent', 'whoever asked', 'at-most-once'),
  TaskUsage: entry(TaskUsage, 'agent', 'whoever asked', 'at-most-once'),
  FrameworkEvents: entry(FrameworkEvents, 'leader', 'framework', 'at-most-once'),
  Subscribe: call(Subscribe),
  UpdateFramework: call(UpdateFramework),
  Accept: call(Accept),
  Decline: call(Decline),
  Revive: call(Revive),
  Suppress: call(Suppress),
  KillTask: call(KillTask),
  Reconcile: call(Reconcile),
  Teardown: call(Teardown),
  PongCall: call(PongCall),
  HandOver: call(HandOver),
  ReadOutput: call(ReadOutput),
  ComplainCall: call(ComplainCall),
  ExplainCall: call(ExplainCall),
  AcceptAnswer: entry(AcceptAnswer, 'leader', 'framework', 'request-reply'),
  OwnExplanation: entry(OwnExplanation, 'leader', 'framework', 'request-reply'),
  AllocatorReports: entry(AllocatorReports, 'allocator', 'leader', 'at-most-once'),
  AllocatorFigures: entry(AllocatorFigures, 'leader', 'allocator', 'at-most-once'),
  ShadowReport: entry(ShadowReport, 'shadow', 'operators, observers', 'at-most-once'),
  Listing: operatorCall(Listing),
  AskMaster: operatorCall(AskMaster),
  OperatorKill: operatorCall(OperatorKill),
  OperatorTeardown: operatorCall(OperatorTeardown),
  MarkGone: operatorCall(MarkGone),
  OperatorReadOutput: operatorCall(OperatorReadOutput),
  OperatorReadSandbox: operatorCall(OperatorReadSandbox),
  OperatorFindSandboxes: operatorCall(OperatorFindSandboxes),
  OperatorReadUsage: operatorCall(OperatorReadUsage),
  SetQuotas: operatorCall(SetQuotas),
  SetWeights: operatorCall(SetWeights),
  Explain: operatorCall(Explain),
  AgentPage: answer(AgentPage),
  FrameworkPage: answer(FrameworkPage),
  TaskPage: answer(TaskPage),
  OfferPage: answer(OfferPage),
  RolePage: answer(RolePage),
  Explanation: answer(Explanation),
  MasterReport: answer(MasterReport),
  AgentsAsked: answer(AgentsAsked),
  Done: answer(Done),
  PublicEvents: entry(PublicEvents, 'leader', 'the world', 'at-most-once'),
} as const

export type MessageName = keyof typeof MESSAGES
export type Message<N extends MessageName> = Static<(typeof MESSAGES)[N]['schema']>

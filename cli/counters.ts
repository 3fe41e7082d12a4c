/** What a leader counts, in a sentence each. */
import type { Column } from './table.ts'

/** By the names that it gives them. */
const SENTENCES: Readonly<Record<string, string>> = {
  'accepts-of-lost-offers': 'accepts of offers that were used, taken back or never made',
  'agent-events-illegal': 'steps that the lifecycle of an agent does not have',
  'agent-messages-foreign': 'messages of agents for a session that is over',
  'agent-messages-repeated': 'messages of agents that had been heard already',
  'agent-removals-held': 'silent agents that waited, for others became unreachable with them',
  'agent-sessions-lost': 'sessions of agents that ended because a message was lost',
  'agents-forgotten': 'agents that were unreachable or gone for weeks',
  'allocator-messages-foreign': 'messages of allocators for a session that is over',
  'allocator-messages-repeated': 'messages of allocators that had been heard already',
  'allocators-late': 'openings of allocators’ sessions that were over',
  'allocators-lost': 'allocators that were heard no more',
  'allocators-refused': 'allocators that came while there was another',
  complaints: 'receivers that know a newer leader, or said so',
  'complaints-obeyed': 'complaints after which it took the lease anew',
  'complaints-too-soon': 'complaints that came right after another',
  'copies-unsaved': 'times that the disk took no records of the registry',
  'declines-of-lost-offers': 'declines of offers that were used, taken back or never made',
  'epoch-claims-unheard': 'epochs of those who had claimed an absurd one',
  'epoch-jumps-refused': 'epochs that were too far ahead to be true',
  'epochs-unsaved': 'times that it could not lead because the disk took no epoch',
  'explanations-late': 'answers of the allocator that nobody waited for any more',
  'framework-events-illegal': 'steps that the lifecycle of a framework does not have',
  'launches-foreign': 'tasks of agents whose launch was made by nobody that leads',
  'lead-lost': 'times that it lost the lease',
  'offers-accepted': 'offers that frameworks used',
  'offers-discarded':
    'offers that ended with their subscription, or beside a dead one in an accept',
  'offers-made': 'offers that frameworks were given',
  'pages-out-of-place': 'pages of agents that came in no order',
  'policies-failed': 'times that the allocator went on with the default policy',
  'registrations-for-older-leaders':
    'openings of sessions by agents that had not heard of this leader yet',
  'registrations-late':
    'openings of sessions that a newer one, or another agent of that id, had overtaken',
  'registrations-refused': 'agents that were not let in',
  'registry-batches-absurd': 'batches of the registry with an epoch too far ahead',
  'registry-fetched': 'times that the registry came from another master',
  'registry-gaps': 'times that it went on from a log of the registry with holes',
  'registry-reseeded': 'times that the log of the registry had lost records and was written anew',
  'reports-without-session': 'reports of agents or allocators that no session allows',
  'retellings-refused': 'questions of shadow allocators that came too soon',
  'settled-before-the-end': 'tasks that an agent was done with before their end was heard',
  'statuses-after-the-end': 'statuses of tasks that had ended',
  'statuses-illegal': 'statuses that cannot follow the one before',
  'statuses-of-unknown-tasks': 'statuses of tasks or launches that nobody here knows',
  'statuses-old': 'statuses that a newer one had overtaken',
  'task-ids-in-use': 'tasks that were not launched because one of that id is there',
  'tasks-invalid': 'tasks that were refused before they were launched',
  'tasks-launched': 'tasks that agents were told to run',
  'torn-down-unexpected': 'agents that confirmed the end of a framework that has not ended',
  'updates-without-session': 'statuses of agents whose session is over',
  'waits-unbelieved': 'agents that said that they wait while another of their id was heard',
}

/** Names that are made of something. */
const FAMILIES: readonly (readonly [RegExp, (what: string) => string])[] = [
  [/^refused\.(.+)$/, (name) => `messages and calls that were refused: ${name}`],
  [/^operator-(.+)$/, (verb) => `calls of operators: ${verb}`],
  [/^calls-(.+)$/, (verb) => `calls of frameworks: ${verb}`],
  [/^allocations-(.+)$/, (outcome) => `what the allocator proposed, and the leader has ${outcome}`],
  [/^offers-(.+)$/, (end) => `offers that were ${end}`],
]

/** Empty: of a newer leader. */
export function sentenceOf(counter: string): string {
  const own = SENTENCES[counter]
  if (own !== undefined) return own
  for (const [pattern, sentence] of FAMILIES) {
    const [, what] = pattern.exec(counter) ?? []
    if (what !== undefined) return sentence(what)
  }
  return ''
}

export const COUNTER_COLUMNS: readonly Column<readonly [string, number]>[] = [
  { title: 'COUNTER', text: ([name]) => name },
  { title: 'COUNT', text: ([, count]) => String(count), align: 'right' },
  { title: 'OF', text: ([name]) => sentenceOf(name), gives: true, spare: 1 },
]

/** Every limit that travels or is promised, and the proofs that they fit into each other. */
import assert from 'node:assert/strict'

const KIB = 1024

/** No message is larger: envelope, list and all. Longer lists travel as pages. */
export const MESSAGE_BYTES_MAX = 256 * KIB
/** What an envelope needs beside its list. */
export const ENVELOPE_BYTES_MAX = 4 * KIB
/** Items of a list are put together up to here. */
export const LIST_BYTES_MAX = MESSAGE_BYTES_MAX - ENVELOPE_BYTES_MAX
/** One task as the framework describes it. */
export const TASK_BYTES_MAX = 32 * KIB
/** One accept call. */
export const ACCEPT_BYTES_MAX = 192 * KIB
/** One task status. */
export const STATUS_BYTES_MAX = 16 * KIB
/** What one agent is: its resources and attributes, which travel together in offers and figures. */
export const AGENT_BYTES_MAX = 32 * KIB
/** Output in one message. */
export const OUTPUT_BYTES_MAX = 64 * KIB
/**
 * Of a task's output so much is kept on its agent's disk, unless the agent or the task says more.
 */
export const OUTPUT_KEPT_BYTES = 10 * KIB * KIB
export const OUTPUT_KEPT_BYTES_MAX = 1_024 * KIB * KIB
/** Bytes of a file in a sandbox that are asked for at once; they come in several messages. */
export const FILE_READ_BYTES_MAX = 2 * KIB * KIB
/**
 * A path in a sandbox, as long as the system takes one; no name in it is longer, on whatever disk.
 */
export const SANDBOX_PATH_BYTES_MAX = 4_095
/** Of where a symbolic link leads to, more is not told. */
export const LINK_TARGET_BYTES_MAX = 1_024
/** In one message: of a file, or a folder's entries, each with what it takes beside its names. */
export const SANDBOX_PIECE_BYTES_MAX = 128 * KIB
export const SANDBOX_ENTRY_BYTES = 128
/** The last epoch millisecond that calendars of most languages know: of the year 9999. */
export const TIME_AT_MS_MAX = 253_402_300_799_999
/** Sandboxes that one agent names in one answer, and what one of them takes. */
export const FOUND_SANDBOXES_MAX = 256
const FOUND_SANDBOX_BYTES_MAX = 512
/**
 * Up to so many agents, each says what it has found, were it nothing: then nobody needs to wait.
 */
export const FINDING_AGENTS_MAX = 1_000
/** Pages of one snapshot. */
export const PAGES_MAX = 4096
/** A snapshot that brings no page for so long is given up. */
export const PAGE_WAIT_MS = 30_000
/** Maps and lists inside each other. */
export const DEPTH_MAX = 32
/**
 * Lists and maps in one message. None of ours has more, for a range of two small numbers, the
 * smallest that there is, takes three bytes; to decode those that take one would take much longer.
 */
export const CONTAINERS_MAX = Math.floor(MESSAGE_BYTES_MAX / 3)
/**
 * Of one container: mapped ports, volumes, the words of an entry point, and names on its machine.
 */
export const CONTAINER_PORTS_MAX = 256
export const CONTAINER_VOLUMES_MAX = 64
export const ENTRY_POINT_WORDS_MAX = 64
export const IMAGE_LENGTH_MAX = 512
export const PATH_LENGTH_MAX = 4_096
/** Entries of one list of resources, and ranges or set members of one entry. */
export const RESOURCE_ENTRIES_MAX = 256
export const RESOURCE_PARTS_MAX = 1024
/**
 * The largest scalar of one agent: in thousandths, thousands of agents that have so much still add
 * up to a safe integer. As memory or disk it is almost a pebibyte.
 */
export const SCALAR_MAX = 1e9
const FULL_AGENTS_MAX = 9_000
/** The largest amount of many agents together: in thousandths still a safe integer. */
export const SUM_MAX = SCALAR_MAX * FULL_AGENTS_MAX
/** Tasks in one accept. */
export const ACCEPT_TASKS_MAX = 512
/** Tasks that the answer to an accept names as not launched; of more only statuses tell. */
export const NOT_LAUNCHED_MAX = 32
/** What a launch, and a group's, adds to its task. */
const LAUNCH_BYTES_MAX = 120
/**
 * Tasks of one agent. It may still hold so many that have ended: its snapshot may have twice as
 * many.
 */
export const AGENT_TASKS_MAX = 100_000
/** Offers named in one call. */
export const CALL_OFFERS_MAX = 1024
/** Tasks named in one reconcile call. */
export const RECONCILE_TASKS_MAX = 2048
/** Frameworks of one principal, those included that have ended and are not confirmed yet. */
export const FRAMEWORKS_MAX = 10_000
/** Roles of one framework. */
export const ROLES_MAX = 64
/** What a framework wants of offers, for all of its roles together. */
export const TERMS_BYTES_MAX = 32 * KIB
/** Names of what a framework can deal with: a newer leader may know more than there are. */
export const CAPABILITIES_MAX = 64
/** Groups of constraints, and constraints of one group. */
export const CONSTRAINTS_MAX = 16
/**
 * A regular expression: as written, and as so many instructions. A class of Unicode's counts as a
 * hundred.
 */
export const EXPRESSION_LENGTH_MAX = 256
export const EXPRESSION_PROGRAM_MAX = 300
/**
 * All of one framework's, as instructions. Each counts ten more, and so does each class and group.
 */
export const EXPRESSIONS_PROGRAM_MAX = 4_000
/** So many are judged for one principal in a second, and twice as many at once. */
export const EXPRESSIONS_PROGRAM_PER_S = 40_000
/** Alternatives of what is too little to be offered. */
export const MIN_ALLOCATABLE_MAX = 16
/** What is offered at all: agents' leftovers that contain one of these, in decimal, MiB. */
export const MIN_ALLOCATABLE = [{ cpus: 0.01 }, { mem: 32 }]
/** Names in one map of amounts. */
export const QUANTITIES_MAX = 64
/** A role without any weight would never be asked; whoever wants that suppresses it. */
export const WEIGHT_MIN = 0.001
export const WEIGHT_MAX = 1e6
/** Roles that have a weight or a quota, and so many are changed by one call. */
export const ROLES_KEPT_MAX = 10_000
export const ROLES_CHANGED_MAX = 1_000
/** Calls that change roles and wait for the registry: one after the other is written. */
export const ROLE_CALLS_MAX = 16
/** A refusal's message, in UTF-16 units: it may repeat what a stranger wrote. */
export const REFUSAL_LENGTH_MAX = 1_024
/** Items of one page of an operator's listing. */
export const LISTING_ITEMS_MAX = 500
/** Reasons for which somebody gets nothing: a newer allocator may know more than there are. */
export const WAIT_REASONS_MAX = 32
/** Examples of one of them, in one answer. */
export const WAIT_EXAMPLES_MAX = 3
/** Members and offers that one explanation tells of. */
export const EXPLAINED_MEMBERS_MAX = 64
export const EXPLAINED_OFFERS_MAX = 16
/** One claimed epoch may not be further than this above the highest known one. */
export const EPOCH_JUMP_MAX = 2 ** 20

/** A leader says that it leads. */
export const LEADER_BEAT_MS = 1_000
/** Masters tell each other that they are there. */
export const PEER_BEAT_MS = 250
/** A challenger may claim the lease after so long a silence, when a probe was in vain meanwhile. */
export const LEADER_SILENCE_MS = 1_000
/** A master that has just started listens so long for others before it takes over. */
export const PEERS_WAIT_MS = 1_000
/** The leader names so many masters that stand by. */
export const STANDBYS_MAX = 32
/** Claimants of absurd epochs that the leader names. */
export const CLAIMANTS_SHOWN_MAX = 32
/** How long a leader lease lives, on one server and on a cluster of three. */
export const LEASE_MS = 3_000
export const CLUSTER_LEASE_MS = 15_000
/** The leader stops acting after this part of its lease without a renewal. */
export const LEASE_DEADLINE_PART = 4 / 5
/**
 * The leader renews so many times in a lease, and no more seldom than this: three servers that lost
 * the one which led the lease's stream take up to nine seconds to agree on another.
 */
export const LEASE_RENEWALS = 5
export const LEASE_RENEWAL_MS_MAX = 1_000
/** The leader asks each agent whether it is there; after so many misses it is unreachable. */
export const AGENT_PING_MS = 3_000
export const AGENT_PINGS_MISSED_MAX = 5
/** Of all agents that answer, together: with more of them than that allows, each is asked later. */
export const AGENT_PINGS_PER_S_MAX = 1_000
/** The same of frameworks: after so many misses one is away. Any call counts as an answer. */
export const FRAMEWORK_PING_MS = 5_000
export const FRAMEWORK_PINGS_MISSED_MAX = 3
/**
 * Of several instances of one framework, the one that holds it is asked so many times within its
 * lease. Who is heard no more for all of it can lose the framework to another.
 */
export const INSTANCE_LEASE_MS = 5_000
export const INSTANCE_LEASE_MS_MIN = 1_000
export const INSTANCE_LEASE_MS_MAX = 600_000
export const INSTANCE_LEASE_PINGS = 3
/** The same of the allocator: after so many misses another may open a session. */
export const ALLOCATOR_PING_MS = 1_000
export const ALLOCATOR_PINGS_MISSED_MAX = 3
/** A leader tells everything anew for shadows that ask no more often. */
export const RETELL_MS = 5_000
/** A shadow says how it differs, and of so many members and decisions. */
export const SHADOW_REPORT_MS = 1_000
export const SHADOW_MEMBERS_MAX = 100
export const SHADOW_DIFFERENCES_MAX = 16
export const SHADOW_DIFFERENCE_MEMBERS_MAX = 4
/** Known agents that have not come back so long after a takeover are unreachable. */
export const REREGISTER_MS = 600_000
/**
 * Agents that may become unreachable in each time of so long: a part of those that are known, but
 * at least so many. The others wait, and whoever answers meanwhile is not lost.
 */
export const AGENT_REMOVALS_MS = 60_000
export const AGENT_REMOVALS_PART = 0.1
export const AGENT_REMOVALS_MIN = 20
/** Agents that were lost, and those that operators gave up, are remembered so long, and so many. */
export const LOST_AGENTS_MS = 14 * 24 * 3_600_000
export const LOST_AGENTS_MAX = 100_000
/** Those beyond are forgotten so often. */
export const LOST_AGENTS_SWEEP_MS = 15 * 60_000
/** A framework that is away for longer is torn down. */
export const FRAMEWORK_FAILOVER_MS = 600_000
/**
 * Offers that a framework's role has and has not answered: it gets more of them with each answer.
 * Whoever wants offers would else be made one of every agent, at once, and of no use to others.
 */
export const OFFERS_UNANSWERED_MAX = 1_000
/** An offer that is not answered for so long is taken back. */
export const OFFER_TIMEOUT_MS = 30_000
/** What a decline means when it does not say. */
export const DECLINE_FILTER_MS = 5_000
/** Who declines again and again, and launches nothing, is asked after all others for so long. */
export const LATE_MS_MAX = 600_000
/** A decline that asks for longer means this. */
export const DECLINE_FILTER_MS_MAX = 365 * 24 * 3_600_000
/** Nothing returns to its decliner sooner, unless it revives. */
export const DECLINE_PAUSE_MS = 1_000
/** From SIGTERM to SIGKILL. */
export const KILL_GRACE_MS = 3_000
/**
 * Processes and threads of one task: no task asks for them, and a fork bomb is not to have all.
 * With four times as many, whoever runs beside a bomb waits longer while they end.
 */
export const TASK_PIDS_MAX = 1_024
/**
 * Checks of a task, what it does not say: the first run so long after its start, each other so long
 * after the end of the last, and how long one may take.
 */
export const CHECK_DELAY_MS = 15_000
export const CHECK_INTERVAL_MS = 10_000
export const CHECK_TIMEOUT_MS = 20_000
/** No check is run more often, and none of its times is longer. */
export const CHECK_INTERVAL_MS_MIN = 1_000
export const CHECK_MS_MAX = 24 * 3_600_000
/** A task is killed when so many health checks in a row have failed. */
export const HEALTH_FAILURES = 3
export const HEALTH_FAILURES_MAX = 1_000
/** Failures so soon after its start do not count, until one has succeeded. */
export const HEALTH_GRACE_MS = 10_000
/**
 * Statuses of checks that wait for an acknowledgement, of one task. Of more only the newest is
 * kept: a framework that is away needs no history of a task that comes and goes.
 */
export const CHECK_STATUSES_MAX = 16
/** Tasks whose agent has not come back for so long are ended. */
export const RECOVERY_TIMEOUT_MS = 900_000
/** Sandboxes of ended tasks are kept for so long on an empty disk, and no more than so many. */
export const SANDBOX_KEEP_MS = 604_800_000
export const SANDBOXES_MAX = 10_000
/** This part of the disk is to be free: the fuller it is, the shorter sandboxes are kept. */
export const DISK_HEADROOM = 0.1
/** An unacknowledged status is sent again after this, doubling up to the maximum. */
export const UPDATE_RETRY_MS = 10_000
export const UPDATE_RETRY_MS_MAX = 600_000
/**
 * An agent that a new leader has not invited opens a session by itself, at random within, once that
 * one invites nobody any more.
 */
export const UNINVITED_MS_MIN = 5_000
export const UNINVITED_MS_MAX = 10_000
/** How long a caller waits for an answer. */
export const CALL_TIMEOUT_MS = 1_000
/** A framework asks again what has become of its unfinished tasks. */
export const RECONCILE_MS = 60_000
/**
 * Tasks that frameworks of one principal may ask about in a second, and at once: a short question
 * may have a million answers.
 */
export const RECONCILED_TASKS_PER_S = 50_000
export const RECONCILED_TASKS_BURST = 500_000
/** Calls of one framework a second, of all frameworks of one principal, and of its operators. */
export const FRAMEWORK_CALLS_PER_S = 20_000
export const PRINCIPAL_CALLS_PER_S = 40_000
export const OPERATOR_CALLS_PER_S = 500
/** A longer call counts as one for each so many bytes: what it costs to read grows with them. */
export const CALL_BYTES = 512
/** Calls over these are refused; one principal is told so no more often in a second. */
export const TOO_MANY_ANSWERS_PER_S = 10
/** Who was quiet may make so many seconds' calls at once. */
export const CALL_BURST_S = 2
/** Callers whose rate is remembered; more of them at once share one. */
export const CALLERS_REMEMBERED_MAX = 10_000
/** The world hears that a task is ill no more often. */
export const ILLNESS_TOLD_MS = 60_000
/** Public events are kept for so long, and so much of them. */
export const EVENT_AGE_MS = 7 * 24 * 3_600_000
export const EVENT_BYTES_MAX = 512 * KIB * KIB
/**
 * Kills of tasks that their agents may still bring, remembered for each framework. The oldest are
 * forgotten: frameworks say them again when they hear that the task lives on.
 */
export const KILLS_REMEMBERED_MAX = 4_096
/** Ended tasks that a leader remembers for listings. */
export const ENDED_TASKS_MAX = 1_000

// What is made from a message fits into one.
assert(ACCEPT_BYTES_MAX + ENVELOPE_BYTES_MAX <= MESSAGE_BYTES_MAX)
// The tasks of one accept travel to the agent in one order, each with its launch beside it.
assert(ACCEPT_BYTES_MAX + ACCEPT_TASKS_MAX * LAUNCH_BYTES_MAX <= LIST_BYTES_MAX)
assert(TASK_BYTES_MAX < ACCEPT_BYTES_MAX)
assert(STATUS_BYTES_MAX < LIST_BYTES_MAX)
// Who was quiet may always make the longest call.
assert(MESSAGE_BYTES_MAX / CALL_BYTES <= OPERATOR_CALLS_PER_S * CALL_BURST_S)
// An offer holds resources and attributes; a member's figure what it wants of offers.
assert(2 * AGENT_BYTES_MAX < LIST_BYTES_MAX)
assert(TERMS_BYTES_MAX < LIST_BYTES_MAX)
assert(OUTPUT_BYTES_MAX < LIST_BYTES_MAX)
// What is asked about a sandbox travels on in an order; a folder's longest entry is in some piece.
assert(2 * SANDBOX_PATH_BYTES_MAX + ENVELOPE_BYTES_MAX <= LIST_BYTES_MAX)
assert(SANDBOX_PIECE_BYTES_MAX < LIST_BYTES_MAX)
assert(
  SANDBOX_ENTRY_BYTES + SANDBOX_PATH_BYTES_MAX + LINK_TARGET_BYTES_MAX <= SANDBOX_PIECE_BYTES_MAX,
)
assert(FOUND_SANDBOXES_MAX * FOUND_SANDBOX_BYTES_MAX < LIST_BYTES_MAX)
assert(SUM_MAX * 1000 <= Number.MAX_SAFE_INTEGER)
// A new leader is there before any agent is given up: a takeover loses no task.
assert(LEASE_MS < AGENT_PING_MS * AGENT_PINGS_MISSED_MAX)
// A healthy leader is heard several times before it is thought silent.
assert(PEER_BEAT_MS * 3 < LEADER_SILENCE_MS)

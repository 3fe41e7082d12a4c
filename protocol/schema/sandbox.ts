/** Looking into the sandboxes of tasks: who asks, whom the leader asks, and what agents answer. */
import Type, { type Static } from 'typebox'
import {
  FILE_READ_BYTES_MAX,
  FOUND_SANDBOXES_MAX,
  LINK_TARGET_BYTES_MAX,
  SANDBOX_PATH_BYTES_MAX,
  SANDBOX_PIECE_BYTES_MAX,
  TIME_AT_MS_MAX,
} from '../limits.ts'
import {
  AgentIdToken,
  Epoch,
  FrameworkIdToken,
  LaunchToken,
  PrincipalToken,
  RunToken,
  SessionToken,
  TaskIdToken,
} from './common.ts'
import {
  bytes,
  integer,
  item,
  list,
  message,
  oneOf,
  openWord,
  text,
  timeAtMs,
  word,
} from './shapes.ts'

const size = integer(0, Number.MAX_SAFE_INTEGER)

const look = {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
  taskId: TaskIdToken,
  /** Absent: the newest launch of the task that this agent has. */
  launch: Type.Optional(LaunchToken),
  /** Names with `/` between them, as the system has them; empty: the sandbox itself. */
  path: bytes(SANDBOX_PATH_BYTES_MAX),
  /** A folder's entries, or what else is there; or the bytes of a file. */
  want: word('list', 'read'),
  /** Of a folder: the entries that come after this name, in the order of bytes. */
  after: Type.Optional(bytes(SANDBOX_PATH_BYTES_MAX)),
  /** Of a file: from here, so many bytes at most. */
  offset: size,
  bytesMax: integer(1, FILE_READ_BYTES_MAX),
  request: SessionToken,
}

/** Asks for what lies in a sandbox; it comes on `<c>.sandbox.<a>.<p>.<f>`, in several pieces. */
export type OperatorReadSandbox = Static<typeof OperatorReadSandbox>
export const OperatorReadSandbox = message('Asks for what lies in the sandbox of a task.', {
  ...look,
  agentId: AgentIdToken,
})

/** Send what lies in a sandbox on `<c>.sandbox.<a>.<p>.<f>`; `request` comes back with it. */
export type SendSandbox = Static<typeof SendSandbox>
export const SendSandbox = item('send-sandbox', 'Publish what lies in a sandbox.', look)

export type SandboxEntry = Static<typeof SandboxEntry>
export const SandboxEntry = message('What has a name in a folder. Links are not followed.', {
  name: bytes(SANDBOX_PATH_BYTES_MAX),
  type: openWord('file', 'folder', 'link', 'pipe', 'socket', 'device'),
  sizeBytes: size,
  /** Permissions. */
  mode: integer(0, 0o7777),
  changedAtMs: Type.Number({ minimum: 0, maximum: TIME_AT_MS_MAX }),
  /** Where a link leads to, or its begin. */
  target: Type.Optional(bytes(LINK_TARGET_BYTES_MAX)),
})

export type SandboxContent = Static<typeof SandboxContent>
export const SandboxContent = oneOf(
  item('entry', 'What is there is no folder.', { entry: SandboxEntry }),
  item('folder', 'Entries of a folder, in the order of bytes.', {
    entries: list(SandboxEntry, 4_096),
    /** Others come behind the last one. */
    more: Type.Boolean(),
  }),
  item('file', 'Bytes of a file from `offset` on. None: there are none.', {
    offset: size,
    /** How long the file is now. */
    sizeBytes: size,
    /** Differs when another file has taken its place. */
    version: text(64),
    mode: integer(0, 0o7777),
    data: bytes(SANDBOX_PIECE_BYTES_MAX),
    /** Instead of data: so many zeros. */
    zeroBytes: Type.Optional(size),
    /** Instead of data: so many that the agent has taken away, as the file had become too long. */
    goneBytes: Type.Optional(size),
  }),
  item('refused', 'It is not shown.', {
    why: openWord('bad-path', 'not-found', 'not-a-file', 'denied', 'failed'),
    /** For people. */
    message: text(1_024),
  }),
)

/** agent → who asked. Lost pieces are asked for again, by offset or name. */
export type SandboxPiece = Static<typeof SandboxPiece>
export const SandboxPiece = message('A piece of what lies in a sandbox.', {
  request: SessionToken,
  taskId: TaskIdToken,
  /** Which piece of this answer: 0, 1 … */
  part: integer(0, 1_000_000),
  /** No other piece of this answer follows. */
  last: Type.Boolean(),
  content: SandboxContent,
})

const wanted = {
  /** Beginnings of ids; empty: any. */
  framework: text(64),
  task: text(64),
  request: SessionToken,
}

/** Has the leader ask all agents what sandboxes they have. */
export type OperatorFindSandboxes = Static<typeof OperatorFindSandboxes>
export const OperatorFindSandboxes = message('Asks all agents for sandboxes of tasks.', wanted)

export type AgentsAsked = Static<typeof AgentsAsked>
export const AgentsAsked = message('So many agents were asked.', {
  agents: size,
  /** Those that have nothing answer, too. */
  everyoneAnswers: Type.Boolean(),
})

/** leader → agents: who has such a sandbox answers on `<c>.found.<a>`. */
export type FindSandboxes = Static<typeof FindSandboxes>
export const FindSandboxes = message('Which sandboxes of such tasks are there?', {
  epoch: Epoch,
  run: RunToken,
  ...wanted,
  everyoneAnswers: Type.Boolean(),
})

export type FoundSandbox = Static<typeof FoundSandbox>
export const FoundSandbox = message('The sandbox of one launch of a task.', {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
  taskId: TaskIdToken,
  launch: LaunchToken,
  /** When the task ended. Absent: it has not, or nobody knows when. */
  endedAtMs: Type.Optional(timeAtMs),
})

/** agent → who asked. */
export type SandboxesFound = Static<typeof SandboxesFound>
export const SandboxesFound = message('Sandboxes that an agent has.', {
  request: SessionToken,
  /** The newest first; where whole ids are what was asked for, only those. */
  sandboxes: list(FoundSandbox, FOUND_SANDBOXES_MAX),
  /** There are older ones that did not fit. */
  more: Type.Boolean(),
})

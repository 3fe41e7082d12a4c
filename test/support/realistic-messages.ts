/** Messages as they really occur, where what a schema alone gives is too dull. One story. */
import type { MessageName } from '../../protocol/schema/messages.ts'

const RUN = '5f0c1d2e3a4b5c6d'
const SESSION = 'c0ffee00c0ffee00'
const UUID = '00112233445566778899aabbccddeeff'
const OFFER = `3-${RUN}-12`
const LAUNCH = `3-${RUN}-13`
const AT_MS = 1_763_683_200_123

const TOTAL = [
  { name: 'cpus', scalar: 3.5 },
  { name: 'mem', scalar: 15_872 },
  { name: 'disk', scalar: 102_400.125 },
  { name: 'ports', ranges: [[31_000, 32_000]] },
  { name: 'gpu-models', set: ['a-100', 'h-100'] },
  {
    name: 'disk',
    scalar: 2_048,
    reservations: [{ role: 'batch' }, { role: 'batch/nightly', labels: { why: 'über Nacht' } }],
    disk: { volume: { id: 'results', principal: 'local' } },
  },
  { name: 'cpus', scalar: 1, revocable: true },
]

const OFFERED = {
  offerId: OFFER,
  agentId: 'host-1',
  hostname: 'host-1.example',
  role: '*',
  resources: TOTAL,
  attributes: [
    { name: 'rack', text: 'r 12' },
    { name: 'ghz', scalar: 2.25 },
  ],
}

const ECHO = {
  taskId: 'echo-1',
  resources: { cpus: 0.5, mem: 32 },
  command: { argv: ['echo', 'hello', 'wörld 😀'] },
}

const PORTED = {
  taskId: 'web-1',
  name: 'a web server',
  resources: [
    { name: 'cpus', scalar: 0.1 },
    { name: 'ports', ranges: [[31_005, 31_005]] },
  ],
  command: {
    shell: 'exec serve --port "$PORT_0"',
    env: { LANG: 'C.UTF-8', EMPTY: '' },
    user: 'nobody',
  },
  limits: { cpus: 2, mem: 512.5 },
  killGraceMs: 10_000,
  labels: { team: 'web', 'a key with spaces': '' },
}

const CHECKED = {
  ...PORTED,
  taskId: 'web-2',
  healthCheck: {
    http: { port: 31_005, path: '/healthz?deep=1' },
    delayMs: 0,
    intervalMs: 2_000,
    timeoutMs: 1_000,
    consecutiveFailures: 5,
    graceMs: 30_000,
  },
  check: { command: { argv: ['redis-cli', '-p', '31005', 'ping'] }, intervalMs: 60_000 },
  maxCompletionMs: 86_400_000,
  rlimits: [{ type: 'nofile', soft: 1_024, hard: 4_096 }, { type: 'core' }],
  linux: {
    capabilities: ['net_bind_service'],
    noNewPrivileges: true,
    namespaces: ['pid', 'mount', 'network'],
  },
}

const running = {
  taskId: 'echo-1',
  state: 'TASK_RUNNING',
  latest: 'TASK_FINISHED',
  launch: LAUNCH,
  agentId: 'host-1',
  number: { incarnation: 2, count: 5_000_000_001 },
  uuid: UUID,
  source: 'agent',
  atMs: AT_MS,
}

const failed = {
  ...running,
  state: 'TASK_FAILED',
  latest: 'TASK_FAILED',
  reason: 'COMMAND_FAILED',
  message: 'exited with 3',
  exit: { code: 3 },
}

const unwell = {
  ...running,
  state: 'TASK_RUNNING',
  latest: 'TASK_KILLING',
  reason: 'HEALTH_CHECK_STATUS_UPDATED',
  message: 'health check failed, the 1st in a row: 127.0.0.1:31005 answered 503',
  healthy: false,
  checkResult: { exitCode: 0 },
}

const dropped = {
  taskId: 'echo-1',
  state: 'TASK_DROPPED',
  source: 'master',
  reason: 'INVALID_OFFERS',
  message: `offer ${OFFER} is not known`,
  atMs: AT_MS,
}

const numbered = { session: SESSION, n: 17 }
const fromLeader = { epoch: 3, run: RUN, ...numbered, heard: 16 }

export const REALISTIC: Readonly<Partial<Record<MessageName, readonly Record<string, unknown>[]>>> =
  {
    Subscribe: [
      { secret: 'correct horse', name: 'python', roles: ['*'] },
      {
        session: SESSION,
        n: 1,
        secret: 'correct horse',
        version: { min: 1, max: 1 },
        name: 'nächtlich',
        roles: ['batch', 'batch/nightly'],
        suppressed: ['batch'],
        failoverMs: 604_800_000,
      },
    ],
    Accept: [
      {
        offers: [OFFER],
        operations: [{ kind: 'launch', tasks: [ECHO, PORTED, CHECKED] }],
        refuseMs: 0,
      },
      { ...numbered, call: SESSION, epoch: 3, offers: [OFFER, `3-${RUN}-14`], operations: [] },
    ],
    Decline: [{ offers: [OFFER], refuseMs: 3_600_000, reason: 'too small: needs 8 cpus' }],
    Reconcile: [
      { tasks: [] },
      { tasks: [{ taskId: 'echo-1', agentId: 'host-1' }, { taskId: 'web-1' }] },
    ],
    FrameworkEvents: [
      {
        ...fromLeader,
        events: [
          {
            kind: 'subscribed',
            subscription: { epoch: 3, count: 2 },
            master: 'm-1',
            version: 1,
            pingMs: 5_000,
            pingsMissedMax: 3,
            failoverMs: 600_000,
          },
          { kind: 'offers', offers: [OFFERED, { ...OFFERED, agentId: 'host-2', attributes: [] }] },
          { kind: 'rescind', offers: [OFFER], reason: 'agent-lost' },
          { kind: 'status', status: dropped },
          { kind: 'ping' },
        ],
      },
    ],
    StatusUpdates: [
      { ...numbered, statuses: [running, failed, unwell] },
      { statuses: [{ ...failed, state: 'TASK_KILLED', exit: { signal: 15 } }] },
    ],
    Acknowledgements: [
      {
        subscription: { epoch: 3, count: 2 },
        acks: [{ taskId: 'echo-1', uuid: UUID, launch: LAUNCH }],
      },
      { acks: [{ taskId: 'echo-1', uuid: UUID }] },
    ],
    AgentReports: [
      {
        session: SESSION,
        n: 1,
        heard: 0,
        reports: [
          {
            kind: 'register',
            version: { min: 1, max: 1 },
            incarnation: 2,
            opens: 3,
            directory: '5d41402abc4b2a76',
            info: {
              hostname: 'host-1.example',
              resources: TOTAL,
              resourcesVersion: 4,
              attributes: OFFERED.attributes,
            },
            highest: { epoch: 2, run: RUN },
            pages: 0,
          },
        ],
      },
    ],
    AgentOrders: [
      {
        ...fromLeader,
        orders: [
          {
            kind: 'run',
            principal: 'local',
            frameworkId: 'python',
            subscription: { epoch: 3, count: 2 },
            role: '*',
            resourcesVersion: 4,
            tasks: [
              { launch: LAUNCH, task: ECHO },
              { launch: `3-${RUN}-15`, task: PORTED },
              { launch: `3-${RUN}-16`, task: CHECKED },
            ],
          },
          { kind: 'kill', principal: 'local', frameworkId: 'python', taskId: 'web-1', graceMs: 0 },
        ],
      },
    ],
    Output: [
      {
        request: SESSION,
        taskId: 'echo-1',
        stream: 'stdout',
        offset: 4_294_967_296,
        data: new TextEncoder().encode('hello wörld 😀\n'),
        end: true,
      },
    ],
    PublicEvents: [
      {
        epoch: 3,
        run: RUN,
        n: 99,
        events: [
          { atMs: AT_MS, agentId: 'host-1' },
          { atMs: AT_MS, principal: 'local', frameworkId: 'python', status: failed },
        ],
      },
    ],
  }

/** What stands in the table of docs/performance.md: which runs make it, and what is aimed at. */

/** How a run is made: `npm run bench -- ARGS --json`. */
export const RUNS: Readonly<Record<string, readonly string[]>> = {
  throughput: ['throughput'],
  'throughput-50000': ['throughput', '--agents', '50000', '--tasks', '200000'],
  latency: ['latency'],
  launch: ['launch'],
  idle: ['idle'],
  growth: ['growth'],
  paper: ['paper'],
  failover: ['failover'],
  'failover-40000': ['failover', '--agents', '40000'],
  'failover-50000': 'failover --agents 50000 --tasks-per-agent 1'.split(' '),
  allocator: ['allocator', '--profile', 'quota'],
  'allocator-50000': 'allocator --profile quota --agents 50000 --frameworks 6000'.split(' '),
  'allocator-plain': ['allocator', '--profile', 'plain'],
  'allocator-filters': ['allocator', '--profile', 'filters'],
  'allocator-decline-all': ['allocator', '--profile', 'decline-all'],
  'allocator-constraints': ['allocator', '--profile', 'constraints'],
  cli: ['cli'],
  slurm: ['versus', 'slurm'],
  bullmq: ['versus', 'bullmq'],
}

/** Both are met by themselves. */
export type Aim = { readonly least: number } | { readonly most: number }

export interface Row {
  /** The run that has it. */
  readonly run: string
  readonly what: string
  readonly unit: string
  /**
   * Where it stands in the figures of the run: `cpuUsPerTask.total`; or what is missing from one of
   * its counts: `counts:finished`.
   */
  readonly figure: string
  /** It is divided by this other one. */
  readonly over?: string
  readonly aim?: Aim
  /** The figure is this many times what stands in the run, in its own unit. */
  readonly times?: number
  /** Of the floor of the same run. */
  readonly floor?: string
  /** Of the peer. */
  readonly peer?: string
  /** How many times better than the peer, with `Min` and `Max` beside it. */
  readonly ratio?: string
}

const PERCENT = 100

export const ROWS: readonly Row[] = [
  {
    run: 'throughput',
    what: 'tasks to their acknowledged end, 1,000 agents',
    unit: '/s',
    figure: 'tasksPerS',
    aim: { least: 20_000 },
    floor: 'floorTasksPerS',
  },
  {
    run: 'throughput',
    what: 'the same, as a share of the floor',
    unit: '%',
    figure: 'shareOfFloor',
    times: PERCENT,
    aim: { least: 60 },
  },
  {
    run: 'throughput',
    what: 'CPU per task, all processes',
    unit: 'µs',
    figure: 'cpuUsPerTask.total',
    floor: 'floorCpuUsPerTask.total',
  },
  {
    run: 'throughput',
    what: 'the same, times the floor',
    unit: '×',
    figure: 'cpuOverFloor.total',
    aim: { most: 1.7 },
  },
  {
    run: 'throughput',
    what: 'CPU per task, master',
    unit: 'µs',
    figure: 'cpuUsPerTask.master',
    floor: 'floorCpuUsPerTask.master',
  },
  {
    run: 'throughput',
    what: 'the same, times the floor',
    unit: '×',
    figure: 'cpuOverFloor.master',
    aim: { most: 2 },
  },
  {
    run: 'throughput-50000',
    what: 'tasks to their acknowledged end, 50,000 agents',
    unit: '/s',
    figure: 'tasksPerS',
    aim: { least: 10_000 },
    floor: 'floorTasksPerS',
  },
  {
    run: 'latency',
    what: 'accept → RUNNING, one in flight, p50, pretending',
    unit: 'ms',
    figure: 'acceptToRunningMsP50.pretending',
    aim: { most: 0.5 },
  },
  {
    run: 'latency',
    what: 'the same, each from rest',
    unit: 'ms',
    figure: 'fromRestMsP50.pretending',
  },
  {
    run: 'latency',
    what: 'accept → RUNNING, one in flight, p50, a process',
    unit: 'ms',
    figure: 'acceptToRunningMsP50.real',
    aim: { most: 3 },
  },
  {
    run: 'latency',
    what: 'the same, each from rest',
    unit: 'ms',
    figure: 'fromRestMsP50.real',
  },
  {
    run: 'launch',
    what: 'starts of `true` on one agent',
    unit: '/s',
    figure: 'startsPerS',
    floor: 'bareStartsPerS',
  },
  {
    run: 'launch',
    what: 'the same, as a share of the bare launcher',
    unit: '%',
    figure: 'shareOfBare',
    times: PERCENT,
    aim: { least: 60 },
  },
  {
    run: 'growth',
    what: 'cost per task, 50,000 agents against 1,000',
    unit: '×',
    figure: 'cpuUsPerTask.of50000.total',
    over: 'cpuUsPerTask.of1000.total',
    aim: { most: 1.5 },
  },
  {
    run: 'idle',
    what: 'memory of the master per idle agent',
    unit: 'kB',
    figure: 'masterKbPerAgent',
    aim: { most: 4 },
  },
  {
    run: 'growth',
    what: 'memory of the master per task',
    unit: 'kB',
    figure: 'masterKbPerTask',
    aim: { most: 1.5 },
  },
  {
    run: 'growth',
    what: 'cost per task, 95 % of the cluster filled against 10 %',
    unit: '×',
    figure: 'cpuUsPerTask.of10000Filled95.total',
    over: 'cpuUsPerTask.of10000Filled10.total',
  },
  {
    run: 'idle',
    what: 'master with 10,000 idle agents',
    unit: '% of a core',
    figure: 'cpuPercent10000.master',
    aim: { most: 2 },
  },
  {
    run: 'paper',
    what: 'launch overhead at 50,000 agents, p50',
    unit: 'ms',
    figure: 'overheadMsP50',
    aim: { most: 20 },
  },
  {
    run: 'paper',
    what: 'launch overhead at 50,000 agents, p99',
    unit: 'ms',
    figure: 'overheadMsP99',
    aim: { most: 100 },
  },
  {
    run: 'paper',
    what: 'tasks lost meanwhile',
    unit: '',
    figure: 'counts:finished',
    aim: { most: 0 },
  },
  {
    run: 'failover',
    what: 'a leader is killed: 10,000 agents and 100,000 tasks known, offers flow',
    unit: 'ms',
    figure: 'recoveryMs',
    aim: { most: 3_000 },
  },
  { run: 'failover', what: 'of it, until the lease is claimed', unit: 'ms', figure: 'detectionMs' },
  { run: 'failover', what: 'until the successor leads', unit: 'ms', figure: 'leaseMs' },
  { run: 'failover', what: 'until it knows them all', unit: 'ms', figure: 'rebuildMs' },
  {
    run: 'failover',
    what: 'CPU per agent with its ten tasks, all processes',
    unit: 'µs',
    figure: 'cpuUsPerAgent.total',
  },
  {
    run: 'failover-40000',
    what: 'the same with 40,000 agents and 400,000 tasks',
    unit: 'ms',
    figure: 'recoveryMs',
    aim: { most: 8_000 },
  },
  {
    run: 'failover-40000',
    what: 'CPU per agent with its ten tasks, all processes',
    unit: 'µs',
    figure: 'cpuUsPerAgent.total',
  },
  {
    run: 'failover-50000',
    what: '50,000 agents admitted to the registry, from the first to the last',
    unit: 'ms',
    figure: 'admittedMs',
  },
  {
    run: 'failover-50000',
    what: 'a leader is killed: its successor has them from the registry and leads',
    unit: 'ms',
    figure: 'leaseMs',
  },
  {
    run: 'failover-50000',
    what: 'all are there again, with a task each, offers flow',
    unit: 'ms',
    figure: 'recoveryMs',
  },
  ...allocator('allocator', '10,000 agents × 1,000 frameworks', 20),
  ...allocator('allocator-50000', '50,000 × 6,000', 300),
  ...['plain', 'filters', 'decline-all', 'constraints'].map((profile) => ({
    run: `allocator-${profile}`,
    what: `full cycle, 10,000 × 1,000, ${profile}`,
    unit: 'ms',
    figure: 'fullCycleMs',
  })),
  { run: 'cli', what: 'start of `bourse --version`', unit: 'ms', figure: 'medianMs.version' },
  { run: 'cli', what: '`bourse agents`', unit: 'ms', figure: 'medianMs.agents' },
  { run: 'cli', what: '`bourse run -- true`', unit: 'ms', figure: 'medianMs.run' },
  ...[
    ['jobsPerS', 'slurm', '/s', '`true`, many at once'] as const,
    ['cpuMsPerJob', 'slurm', 'ms', 'CPU of each'] as const,
    ['acceptToRunningMs', 'srun', 'ms', 'accept → RUNNING; `srun true` to its end'] as const,
    ['oneAfterTheOtherMs', 'srun', 'ms', '`true` to its end, one after the other; `srun`'] as const,
    ['typedMs', 'srun', 'ms', '`bourse run -- true`; `srun true`'] as const,
  ].map(versus('slurm')),
  ...[
    ['nothingJobsPerS', 'bullmq', '/s', 'jobs that do nothing, many at once'] as const,
    ['nothingCpuMsPerJob', 'bullmq', 'ms', 'CPU of each'] as const,
    ['nothingOneAfterTheOtherMs', 'bullmq', 'ms', 'one after the other'] as const,
    ['processJobsPerS', 'bullmq', '/s', 'jobs that are a process, many at once'] as const,
    ['processCpuMsPerJob', 'bullmq', 'ms', 'CPU of each'] as const,
    ['processOneAfterTheOtherMs', 'bullmq', 'ms', 'one after the other'] as const,
  ].map(versus('bullmq')),
]

function allocator(run: string, size: string, fullCycleMs: number): readonly Row[] {
  return [
    {
      run,
      what: `allocator: full cycle, ${size}, with roles, quotas and filters`,
      unit: 'ms',
      figure: 'fullCycleMs',
      aim: { most: fullCycleMs },
    },
    { run, what: 'the same, with its messages', unit: 'ms', figure: 'fullCycleOnWireMs' },
    {
      run,
      what: 'one change, p50',
      unit: 'ms',
      figure: 'incrementalMs',
      aim: { most: 0.5 },
    },
    { run, what: 'one change, p99', unit: 'ms', figure: 'incrementalMsP99' },
    { run, what: 'longest turn', unit: 'ms', figure: 'longestTurnMs', aim: { most: 10 } },
  ]
}

function versus(run: string) {
  return ([name, side, unit, what]: readonly [string, string, string, string]): Row => ({
    run,
    what: `${run}: ${what}`,
    unit,
    figure: `${name}.bourse`,
    peer: `${name}.${side}`,
    ratio: `${name}.timesBetter`,
  })
}

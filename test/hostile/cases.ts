/** The hostile tasks. Each is bounded by itself, too: nothing here is worse than what it is for. */
import type { HostileTask } from './case.ts'

const MAX_COMPLETION_MS = 3_000
/** So that what it starts elsewhere can be told from outside. */
const DAEMON = 'while :; do sleep 1; done'
/** Twice away from its parent, in a session of its own, and nothing of its task in its name. */
const escaped = (script: string): string =>
  `(setsid env -i /bin/sh -c 'cd /; exec <&- >&- 2>&-; trap "" TERM HUP; (setsid /bin/sh -c "$0" &) & wait' '${script}' &)`
const THREADS = 16
const BUSY = `const { Worker } = require('node:worker_threads')
for (let i = 0; i < ${THREADS}; i++) new Worker('for (;;);', { eval: true })`
/** Any that is free is not its own. */
const LISTEN = "require('node:net').createServer().listen(0)"

export const HOSTILE_TASKS: readonly HostileTask[] = [
  {
    name: 'fork-bomb',
    does: 'forks until it is refused',
    wish: {
      command: 'bomb() { bomb & bomb & wait; }; while :; do bomb & done',
      resources: { cpus: 0.2, mem: 1_024 },
      maxCompletionMs: 6_000,
    },
    needs: ['pids', 'memory'],
    ends: {
      state: 'TASK_FAILED',
      // Its first process fails when it is its turn among thousands, or waits for that to the end.
      reasons: [
        'CONTAINER_LIMITATION',
        'CONTAINER_LIMITATION_MEMORY',
        'MAX_COMPLETION_TIME_REACHED',
      ],
      says: /limit of \d+ processes|out of memory/,
    },
  },
  {
    name: 'memory-hog',
    does: 'takes memory until there is none',
    wish: { command: ['tail', '/dev/zero'], resources: { cpus: 0.2, mem: 64 } },
    needs: ['memory'],
    ends: {
      state: 'TASK_FAILED',
      reasons: ['CONTAINER_LIMITATION_MEMORY'],
      says: /out of memory: its limit is 64 MiB/,
    },
  },
  {
    name: 'disk-filler',
    does: 'writes files until the disk is full',
    wish: {
      command: 'for i in $(seq 500); do head -c 4194304 /dev/zero >>fill || exit; sleep 0.05; done',
      resources: { cpus: 0.2, mem: 64, disk: 64 },
      maxCompletionMs: 20_000,
    },
    needs: ['disk'],
    ends: {
      state: 'TASK_FAILED',
      reasons: ['CONTAINER_LIMITATION_DISK'],
      says: /disk|sandbox/,
    },
  },
  {
    name: 'stdout-flooder',
    does: 'prints without end',
    wish: {
      command: 'exec yes "$(printf %01000d 0)"',
      resources: { cpus: 0.2, mem: 64, disk: 64 },
      maxCompletionMs: MAX_COMPLETION_MS,
    },
    needs: ['disk'],
    ends: {
      state: 'TASK_FAILED',
      reasons: ['CONTAINER_LIMITATION_DISK', 'MAX_COMPLETION_TIME_REACHED'],
      says: /disk|sandbox|\d+ m?s/,
    },
  },
  {
    name: 'deaf',
    does: 'ignores SIGTERM when its framework kills it',
    wish: {
      command: 'trap "" TERM HUP INT; while :; do sleep 1; done',
      resources: { cpus: 0.1, mem: 32 },
      killGraceMs: 500,
    },
    killedAfterMs: 1_000,
    needs: [],
    ends: { state: 'TASK_KILLED', says: /SIGKILL/ },
  },
  {
    name: 'escapee',
    does: 'forks twice, calls setsid, clears its environment and its files, and ignores SIGTERM',
    wish: {
      command: `${escaped(DAEMON)}; while :; do sleep 1; done`,
      resources: { cpus: 0.1, mem: 32 },
      maxCompletionMs: MAX_COMPLETION_MS,
      killGraceMs: 500,
    },
    needs: ['kill'],
    ends: {
      state: 'TASK_FAILED',
      reasons: ['MAX_COMPLETION_TIME_REACHED'],
      says: /\d+ m?s/,
    },
  },
  {
    name: 'daemon',
    does: 'leaves such a process behind and ends well at once',
    wish: { command: `${escaped(DAEMON)}; sleep 0.5`, resources: { cpus: 0.1, mem: 32 } },
    needs: ['kill'],
    ends: { state: 'TASK_FINISHED' },
  },
  {
    name: 'cpu-hog',
    does: `computes on ${THREADS} threads`,
    wish: {
      command: [process.execPath, '-e', BUSY],
      resources: { cpus: 0.2, mem: 512 },
      maxCompletionMs: MAX_COMPLETION_MS,
      killGraceMs: 500,
    },
    needs: ['cpu'],
    ends: {
      state: 'TASK_FAILED',
      reasons: ['MAX_COMPLETION_TIME_REACHED'],
      says: /\d+ m?s/,
    },
  },
  {
    name: 'port-thief',
    does: 'listens on a port that it was not given',
    wish: {
      command: [process.execPath, '-e', LISTEN],
      resources: { cpus: 0.1, mem: 128 },
      killGraceMs: 500,
    },
    needs: ['ports'],
    ends: {
      state: 'TASK_FAILED',
      reasons: ['CONTAINER_LIMITATION_PORTS'],
      says: /port \d+/,
    },
  },
]

export const hostileTaskOf = (name: string): HostileTask | undefined =>
  HOSTILE_TASKS.find((one) => one.name === name)

/** Kills -9 what holds the cluster together, in the middle of the count, and tells what follows. */
import { readFileSync } from 'node:fs'
import type { TaskEvent } from '../../examples/word-count/report.ts'
import type { TaskRecord } from '../../examples/word-count/state.ts'
import { ClusterError } from '../../protocol/errors.ts'

export interface Kill {
  readonly what: 'agent' | 'master'
  readonly name: string
  readonly pid: number
  /** That it had not ended; of an agent. */
  readonly tasks: readonly string[]
  /**
   * Of an agent: from its death until it has registered again. Of a master: until another leads.
   */
  backMs?: number
  /** Who leads then. */
  successor?: string
}

export interface KillerDeps {
  readonly wanted: readonly Kill['what'][]
  /** Of each process of the cluster that runs, by its name. */
  readonly pids: ReadonlyMap<string, number>
  /** Of masters: what they have said. */
  readonly masterLogs: readonly { readonly name: string; readonly path: string }[]
  readonly say: (sentence: string) => void
}

const LOOK_MS = 20
const BACK_MS_MAX = 30_000

export class Killer {
  readonly kills: Kill[] = []
  readonly #deps: KillerDeps
  readonly #tasks = new Map<string, TaskRecord>()
  readonly #followed: Promise<void>[] = []
  #isDone: boolean

  constructor(deps: KillerDeps) {
    this.#deps = deps
    this.#isDone = deps.wanted.length === 0
  }

  /** The moment is when a task has begun and others have no place yet. */
  hear({ task, progress }: TaskEvent): void {
    this.#tasks.set(task.taskId, task)
    if (this.#isDone || task.state !== 'running' || progress.waiting === 0) return
    this.#isDone = true
    for (const what of this.#deps.wanted) {
      const name = what === 'agent' ? task.agentId : this.#leader()
      const followed = this.#kill(what, name)
      // `finish` tells what went wrong.
      followed.catch(() => undefined)
      this.#followed.push(followed)
    }
  }

  /**
   * Resolves when what was killed is back, or replaced.
   * @throws {ClusterError} `demo/kill`: it is not, or there was no time to kill.
   */
  async finish(): Promise<void> {
    if (!this.#isDone) throw killFault('all was counted before anything could be killed')
    await Promise.all(this.#followed)
  }

  async #kill(what: Kill['what'], name: string): Promise<void> {
    const { pids, say } = this.#deps
    const pid = pids.get(name)
    if (pid === undefined) throw killFault(`${name} does not run`)
    const tasks = what === 'agent' ? this.#unfinishedAt(name) : []
    const kill: Kill = { what, name, pid, tasks }
    this.kills.push(kill)
    const killedMs = Date.now()
    process.kill(pid, 'SIGKILL')
    const load = tasks.length > 0 ? ` while it ran ${tasks.join(' and ')}` : ''
    say(`${name} (pid ${pid}) was killed with -9${load}`)
    const isBack = (line: LogLine): boolean =>
      line.time >= killedMs &&
      (what === 'agent'
        ? line.message === 'an agent has registered' && line['agentId'] === name
        : line.message === 'leads')
    const { by, time } = await this.#waitFor(isBack, `${name} was killed and did not come back`)
    kill.backMs = time - killedMs
    if (what === 'master') kill.successor = by
    const seconds = (kill.backMs / 1000).toFixed(1)
    say(what === 'agent' ? `${name} is back after ${seconds} s` : `${by} leads after ${seconds} s`)
  }

  #unfinishedAt(agentId: string): readonly string[] {
    return [...this.#tasks.values()]
      .filter((task) => task.agentId === agentId)
      .filter(({ state }) => state === 'placed' || state === 'running')
      .map(({ taskId }) => taskId)
  }

  #leader(): string {
    const last = this.#lines()
      .filter(({ message }) => message === 'leads')
      .reduce<LogLine | undefined>(
        (newest, line) => (newest === undefined || line.time > newest.time ? line : newest),
        undefined,
      )
    if (last === undefined) throw killFault('no master leads')
    return last.by
  }

  #lines(): readonly LogLine[] {
    return this.#deps.masterLogs.flatMap(({ name, path }) => logLines(path, name))
  }

  async #waitFor(isIt: (line: LogLine) => boolean, otherwise: string): Promise<LogLine> {
    const endMs = performance.now() + BACK_MS_MAX
    while (performance.now() < endMs) {
      const found = this.#lines().find(isIt)
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw killFault(otherwise)
  }
}

interface LogLine {
  readonly by: string
  readonly time: number
  readonly message: string
  readonly [field: string]: unknown
}

/** The last line may be on its way. */
function logLines(path: string, by: string): readonly LogLine[] {
  const whole = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return whole
    .filter((line) => line.startsWith('{'))
    .map((line) => ({ ...JSON.parse(line), by }) as LogLine)
}

const killFault = (message: string): ClusterError => new ClusterError('demo/kill', 'never', message)

/** The tasks that run on this machine, by what stands in the environment of each process. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface RunningTask {
  readonly taskId: string
  readonly frameworkId: string
  readonly agentId: string
  readonly sandbox: string
  readonly pids: readonly number[]
}

interface Known {
  /** Which program it runs since when: a pid may come twice, what was forked becomes another. */
  readonly life: string
  readonly task: Omit<RunningTask, 'pids'> | undefined
}

/** Places in `stat`, behind the state. */
const [TICKS, STACK] = [18, 24]

export class Machine {
  readonly #folder: string
  readonly #known = new Map<string, Known>()
  /** Of all tasks that were ever seen. */
  readonly #cgroups = new Set<string>()

  /** Tasks of agents whose work directories lie in the folder. */
  constructor(folder: string) {
    this.#folder = folder
  }

  tasks(): readonly RunningTask[] {
    const tasks = new Map<string, { task: Omit<RunningTask, 'pids'>; pids: number[] }>()
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    for (const pid of pids) {
      const task = this.#taskOf(pid)
      if (task === undefined) continue
      const key = `${task.agentId} ${task.frameworkId} ${task.taskId}`
      const found = tasks.get(key)
      if (found === undefined) tasks.set(key, { task, pids: [Number(pid)] })
      else found.pids.push(Number(pid))
    }
    this.#forget(new Set(pids))
    return [...tasks.values()].map(({ task, pids: of }) => ({ ...task, pids: of }))
  }

  /** Cgroups that held tasks, and are still there. */
  cgroupsLeft(): readonly string[] {
    return [...this.#cgroups].filter((path) => existsSync(path))
  }

  /** Mounts below the folder that are there now. */
  mounts(): readonly string[] {
    return readText('/proc/mounts')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(this.#folder))
  }

  #taskOf(pid: string): Omit<RunningTask, 'pids'> | undefined {
    const stat = readText(`/proc/${pid}/stat`)
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // What has ended and is not yet collected runs no more.
    if (state === 'Z' || state === 'X' || state === '') return undefined
    // When it began, and where its stack does: the kernel chooses that anew at each exec.
    const life = `${rest[TICKS]} ${rest[STACK]}`
    const known = this.#known.get(pid)
    if (known?.life === life) return known.task
    const task = this.#taskIn(readText(`/proc/${pid}/environ`))
    this.#known.set(pid, { life, task })
    if (task !== undefined) this.#keepCgroups(pid)
    return task
  }

  #taskIn(environ: string): Omit<RunningTask, 'pids'> | undefined {
    if (!environ.includes('BOURSE_TASK_ID=')) return undefined
    const values = new Map(
      environ.split('\0').map((entry): [string, string] => {
        const at = entry.indexOf('=')
        return [entry.slice(0, at), entry.slice(at + 1)]
      }),
    )
    const sandbox = values.get('BOURSE_SANDBOX') ?? ''
    if (!sandbox.startsWith(`${this.#folder}/`)) return undefined
    return {
      taskId: values.get('BOURSE_TASK_ID') ?? '',
      frameworkId: values.get('BOURSE_FRAMEWORK_ID') ?? '',
      agentId: values.get('BOURSE_AGENT_ID') ?? '',
      sandbox,
    }
  }

  #keepCgroups(pid: string): void {
    for (const line of readText(`/proc/${pid}/cgroup`).split('\n')) {
      const path = line.split(':').slice(2).join(':')
      if (!path.includes('/bourse/')) continue
      for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
        const found = `/sys/fs/cgroup/${hierarchy}${path}`
        if (existsSync(found)) this.#cgroups.add(found)
      }
    }
  }

  #forget(there: ReadonlySet<string>): void {
    for (const pid of this.#known.keys()) if (!there.has(pid)) this.#known.delete(pid)
    for (const path of this.#cgroups) if (!existsSync(path)) this.#cgroups.delete(path)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It went away between two looks.
    return ''
  }
}

/** Frameworks that share a cluster, all of them real processes on a real server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type Cluster, openCluster, runBourse } from '../support/cluster.ts'

const HUNGRY = fileURLToPath(new URL('../support/hungry-framework.js', import.meta.url))
const GIB = 1024

/** Processes that want tasks of one size, and how many run. */
class Hungry {
  readonly running = new Map<string, number>()
  readonly #cluster: Cluster
  readonly #children: ChildProcess[] = []
  readonly #lookers = new Set<() => void>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get all(): number {
    return [...this.running.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Resolves when it has subscribed. */
  start(name: string, role: string, task: { readonly cpus: number; readonly mem: number }) {
    const args = [HUNGRY, name, role, String(task.cpus), String(task.mem)]
    const child = spawn(process.execPath, args, {
      env: this.#cluster.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    this.running.set(name, 0)
    return new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'ready') return resolve()
        this.running.set(name, (this.running.get(name) ?? 0) + 1)
        for (const look of this.#lookers) look()
      })
    })
  }

  /** Resolves when so many tasks run in all. */
  runs(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.all < count) return
        this.#lookers.delete(look)
        resolve()
      }
      this.#lookers.add(look)
      look()
    })
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

test("the paper's example: 9 CPUs and 18 GB hold 3 tasks of <1, 4> and 2 of <3, 1>", async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const hungry = new Hungry(cluster)
  t.teardown(() => hungry.close())
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  await hungry.start('A', '*', { cpus: 1, mem: 4 * GIB })
  await hungry.start('B', '*', { cpus: 3, mem: 1 * GIB })
  const resources = `cpus:9;mem:${18 * GIB}`
  await cluster.start('agent', '--id', 'a', '--emulate', '1', '--resources', resources)
  await hungry.runs(5)
  t.deepEqual(Object.fromEntries(hungry.running), { A: 3, B: 2 })
  const { stdout } = await runBourse(cluster.env, 'tasks', '--json')
  t.is(JSON.parse(stdout).length, 5, 'and no more fit')
})

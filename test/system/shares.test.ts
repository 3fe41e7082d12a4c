/** Frameworks that share a cluster, all of them real processes on a real server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type Cluster, openCluster, runBourse } from '../support/cluster.ts'

const HUNGRY = fileURLToPath(new URL('../support/hungry-framework.js', import.meta.url))
const GIB = 1024
/** What a hungry framework says beside the ids of its tasks. */
const WORDS: ReadonlySet<string> = new Set(['ready', 'asks', 'taken'])

interface Task {
  readonly cpus: number
  readonly mem: number
  /** Default: it never ends. */
  readonly lastsMs?: number
  /**
   * One framework takes at a time. An accept declines what is left for a second: whose revive
   * comes late would be passed over.
   */
  readonly inTurn?: boolean
}

/** Processes that want tasks of one size, and how many have started. */
class Hungry {
  readonly started = new Map<string, number>()
  readonly #cluster: Cluster
  readonly #children: ChildProcess[] = []
  readonly #lookers = new Set<() => void>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get all(): number {
    return [...this.started.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Resolves when it has subscribed. */
  start(name: string, role: string, task: Task) {
    const { cpus, mem, lastsMs = Number.POSITIVE_INFINITY, inTurn = false } = task
    const args = [HUNGRY, name, role, String(cpus), String(mem), String(lastsMs)]
    const child = spawn(process.execPath, inTurn ? [...args, 'in-turn'] : args, {
      env: this.#cluster.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    this.started.set(name, 0)
    const said = new EventEmitter()
    said.on('asks', () => {
      this.#turn = this.#turn.then(() => {
        child.stdin.write('\n')
        return once(said, 'taken')
      })
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (WORDS.has(line)) said.emit(line)
      else this.#note(name)
    })
    return once(said, 'ready')
  }

  #note(name: string): void {
    this.started.set(name, (this.started.get(name) ?? 0) + 1)
    for (const look of this.#lookers) look()
  }

  /** Resolves when so many tasks have started in all. */
  starts(count: number): Promise<void> {
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

interface Listed {
  readonly total: readonly { readonly name: string; readonly scalar?: number }[]
}

const sumOf = (agents: readonly Listed[], wanted: string): number =>
  agents
    .flatMap(({ total }) => total)
    .reduce((sum, { name, scalar = 0 }) => (name === wanted ? sum + scalar : sum), 0)

test("the paper's example: 9 CPUs and 18 GB hold 3 tasks of <1, 4> and 2 of <3, 1>", async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const hungry = new Hungry(cluster)
  t.teardown(() => hungry.close())
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  await hungry.start('A', '*', { cpus: 1, mem: 4 * GIB, inTurn: true })
  await hungry.start('B', '*', { cpus: 3, mem: 1 * GIB, inTurn: true })
  const resources = `cpus:9;mem:${18 * GIB}`
  await cluster.start('agent', '--id', 'a', '--emulate', '1', '--resources', resources)
  await hungry.starts(5)
  t.deepEqual(Object.fromEntries(hungry.started), { A: 3, B: 2 })
  const { stdout } = await runBourse(cluster.env, 'tasks', '--json')
  t.is(JSON.parse(stdout).length, 5, 'and no more fit')
})

const WEIGHTS = [1, 2, 3]
const TOLERANCE = 0.05
/** What the pool holds, and how many more are started as those end. */
const HELD = 180
const MORE = 720

test('10 agents of <16, 64> and 5 of <4, 16> are one pool, which weights share as 1 to 2 to 3', async (t) => {
  t.timeout(90_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const hungry = new Hungry(cluster)
  t.teardown(() => hungry.close())
  const { env } = cluster
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  const weights = WEIGHTS.map((weight) => `r${weight}=${weight}`)
  t.is((await runBourse(env, 'weights', ...weights)).code, 0)
  await Promise.all(
    WEIGHTS.map((weight) =>
      hungry.start(`f${weight}`, `r${weight}`, { cpus: 1, mem: 4 * GIB, lastsMs: 2_000 }),
    ),
  )
  const agents = (id: string, count: number, cpus: number) => {
    const resources = `cpus:${cpus};mem:${4 * cpus * GIB}`
    const what = ['--id', id, '--emulate', String(count), '--resources', resources]
    return cluster.start('agent', ...what)
  }
  await Promise.all([agents('large', 10, 16), agents('small', 5, 4)])

  await hungry.starts(HELD)
  const listed: readonly Listed[] = JSON.parse((await runBourse(env, 'agents', '--json')).stdout)
  t.is(sumOf(listed, 'cpus'), 180)
  t.is(sumOf(listed, 'mem'), 720 * GIB)
  const before = new Map(hungry.started)
  const from = hungry.all
  await hungry.starts(from + MORE)
  const all = hungry.all - from
  const parts = WEIGHTS.reduce((sum, weight) => sum + weight, 0)
  for (const weight of WEIGHTS) {
    const name = `f${weight}`
    const due = (all * weight) / parts
    const started = (hungry.started.get(name) ?? 0) - (before.get(name) ?? 0)
    t.log(`${name} started ${started} of ${all} tasks`)
    t.true(Math.abs(started - due) <= due * TOLERANCE, `${name} started ${started}, not ${due}`)
  }
})

/**
 * A process with a containerizer in it and nothing else: something to be killed. It is given one
 * argument, an `Orders` as JSON, tells each event as a line of JSON, and ends with its input.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { watchOf } from '../../actors/agent/main.ts'
import type {
  CheckRun,
  ContainerEvent,
  ContainerSpec,
  Isolation,
} from '../../agent-runtime/containerizer/containerizer.ts'
import { openRuntime } from '../../agent-runtime/runtime.ts'
import { systemClock } from '../../bus/clock.ts'
import { AN_AGENT } from './containers.ts'

interface Orders {
  readonly workDir: string
  readonly isolation?: Exclude<Isolation, 'pretending'> | undefined
  readonly launches: readonly ContainerSpec[]
  /** Begun when its container has started. */
  readonly check?: CheckRun
  readonly recoveryTimeoutMs?: number
}

type Told = ContainerEvent | { readonly kind: 'opened'; readonly isolation: Isolation }

const PROGRAM = fileURLToPath(import.meta.url)
/** Nobody's number on most systems; it needs no name. */
const NOBODY = '65534'

async function main(text: string): Promise<void> {
  const orders = JSON.parse(text) as Orders
  const { workDir, isolation, launches, check, recoveryTimeoutMs = 'never' } = orders
  const tell = (told: Told) => process.stdout.write(`${JSON.stringify(told)}\n`)
  const watch = watchOf(recoveryTimeoutMs)
  const onEvent = (event: ContainerEvent): void => {
    tell(event)
    if (event.kind === 'started' && event.containerId === check?.containerId)
      containers.check(check)
  }
  const options = { workDir, agentId: AN_AGENT, clock: systemClock, onEvent, watch }
  const { containerizer: containers } = await openRuntime({
    ...options,
    containerService: 'none',
    ...(isolation && { isolation }),
  })
  tell({ kind: 'opened', isolation: containers.isolation })
  await containers.recover()
  for (const spec of launches) containers.launch(spec)
  process.stdin.resume()
  await once(process.stdin, 'end')
  for (const spec of launches) await containers.destroy(spec.containerId)
  await containers.close()
}

/** The same from outside. */
export class ContainerAgent implements AsyncDisposable {
  readonly told: Told[] = []
  readonly #child: ChildProcess
  #heard = () => {}

  /** `asNobody`: only root can do that. */
  constructor(orders: Orders, asNobody = false) {
    const drop = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
    const node = [process.execPath, PROGRAM, JSON.stringify(orders)]
    const [file = '', ...args] = asNobody ? [...drop, ...node] : node
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.told.push(JSON.parse(line) as Told)
      this.#heard()
    })
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async until(kind: Told['kind'], count = 1): Promise<void> {
    while (this.told.filter((told) => told.kind === kind).length < count) {
      await new Promise<void>((resolve, reject) => {
        this.#heard = resolve
        this.#child.once('exit', () => reject(new Error(`the agent ended before ${kind}`)))
      })
    }
  }

  /** kill -9: it cannot do a last thing. */
  async kill(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await exit
  }
}

if (process.argv[1] === PROGRAM) await main(process.argv[2] ?? '')

/** What a task wrote on an agent that is lost: nobody waits for it. */
import test from 'ava'
import type { InstanceView } from '../../frameworks/run/result.ts'
import type { Display, MissingOutput } from '../../frameworks/run/run.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { Scenario } from '../support/scenario.ts'
import { simulatedRun } from '../support/simulated-run.ts'

/** The pause before a restart, and what it takes to be offered another agent. */
const RESTARTED_MS = 2_500

class Watch implements Display {
  readonly missing: MissingOutput[] = []
  #running: (instance: InstanceView) => void = () => undefined

  changed(instance: InstanceView): void {
    if (instance.state === 'TASK_RUNNING') this.#running(instance)
  }
  waiting(): void {}
  output(): void {}
  outputMissing(missing: MissingOutput): void {
    this.missing.push(missing)
  }
  nextRunning(): Promise<InstanceView> {
    return new Promise((resolve) => {
      this.#running = resolve
    })
  }
}

test('bourse run: what ran on an agent that was given up is started elsewhere at once', async (t) => {
  const scenario = await Scenario.open()
  const islands = await scenario.islands('a', 'b')
  const { cluster } = scenario
  const { clock, world } = cluster
  const watch = new Watch()
  const stop = new AbortController()
  const options = {
    env: { PRETEND_MS: 'Infinity' },
    world,
    signal: stop.signal,
    restart: { restartsMax: 1 },
  }
  const first = watch.nextRunning()
  const run = simulatedRun(options, watch)
  const { agentId = '' } = await cluster.until(first)
  islands.get(agentId)?.cutOff()
  const second = watch.nextRunning()
  await scenario.ask('mark-gone', { agentId: agentId as AgentId })
  const goneAtMs = clock.now().monotonicMs
  const again = await cluster.until(second)
  t.true(clock.now().monotonicMs - goneAtMs < RESTARTED_MS, `${clock.now().monotonicMs - goneAtMs}`)
  t.not(again.agentId, agentId as AgentId)
  const why = (stream: string): string =>
    `agent ${agentId} was given up by an operator: the rest of ${stream} is not read`
  t.deepEqual(
    watch.missing.map((one) => one.why),
    [why('stdout'), why('stderr')],
  )
  stop.abort()
  await cluster.until(run)
})

/**
 * How long a polite framework waits for what is free while others decline everything at once, hold
 * offers, or decline and revive: from hearing that its task has ended to the offer of that agent.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openCluster } from '../../support/cluster.ts'
import { PoliteFramework } from '../../support/polite-framework.ts'
import { type Measured, percentile } from '../result.ts'
import type { Settings } from '../settings.ts'

const IMPOLITE = fileURLToPath(new URL('../../support/impolite-frameworks.js', import.meta.url))
/** Else those that hold offers have each agent for half a minute before anything is measured. */
const OFFER_TIMEOUT = '1s'
const WARM_UP = 50

export async function impolite(settings: Settings): Promise<Measured> {
  const { agents = 4, frameworks = 50, tasks = 500, say } = settings
  const cluster = await openCluster()
  let stop = (): void => undefined
  try {
    await cluster.start('master', '--id', 'm1', '--offer-timeout', OFFER_TIMEOUT)
    await cluster.start('allocator')
    stop = await startImpolite(cluster.env, frameworks)
    const resources = 'cpus:2;mem:1024'
    const what = ['--id', 'bench', '--emulate', String(agents), '--resources', resources]
    await cluster.start('agent', ...what)
    const polite = await PoliteFramework.open(cluster.server.url)
    say(`${frameworks} impolite frameworks have what there is; waiting until it was given back`)
    await polite.fill(agents)
    await polite.rounds(WARM_UP)
    say(`measuring ${tasks} times`)
    const { waitMs, overtaken, overtakenTwice } = await polite.rounds(tasks)
    await polite.close()
    return {
      settings: { agents, frameworks, tasks },
      counts: {
        served: { is: waitMs.length, mustBe: tasks },
        overtakenTwice: { is: overtakenTwice, mustBe: 0 },
      },
      figures: {
        overtaken,
        politeWaitMs: { p50: percentile(waitMs, 0.5), p99: percentile(waitMs, 0.99) },
      },
    }
  } finally {
    stop()
    await cluster.close()
  }
}

/** Resolves when all have subscribed, with what ends them. */
async function startImpolite(env: NodeJS.ProcessEnv, count: number): Promise<() => void> {
  const rude = spawn(process.execPath, [IMPOLITE, String(count)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const stop = (): void => void rude.kill('SIGKILL')
  process.once('exit', stop)
  await once(rude.stdout, 'data')
  return stop
}

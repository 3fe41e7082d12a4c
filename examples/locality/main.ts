/**
 * How many tasks run where their data lies: on a cluster that is split between jobs, and on one
 * that they share, by how long they wait for a good place. Starts a cluster of its own and ends by
 * itself: `main.js [--json] [--seed N] …`. README.md says what it shows.
 */
import { parseArgs } from 'node:util'
import { ClusterError } from '../../actors/scheduler/scheduler.ts'
import { openCluster } from './cluster.ts'
import { type Plan, runSetting, settingsOf } from './experiment.ts'
import { headLine, outcomeLine, percentOf, planLine } from './report.ts'

const USAGE_CODE = 64
const USAGE =
  'usage: main.js [--json] [--seed N] [--agents N] [--jobs N] [--tasks N] [--task-ms N] [--waits MS,MS…]'
const COPIES = 3

function commandLine(): { readonly plan: Plan; readonly json: boolean } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        agents: { type: 'string', default: '32' },
        jobs: { type: 'string', default: '16' },
        tasks: { type: 'string', default: '30' },
        'task-ms': { type: 'string', default: '500' },
        waits: { type: 'string', default: '0,1000,5000' },
      },
    })
    const plan: Plan = {
      agents: wholeNumber(values.agents, COPIES),
      jobs: wholeNumber(values.jobs, 1),
      tasksPerJob: wholeNumber(values.tasks, 1),
      taskMs: wholeNumber(values['task-ms'], 0),
      copies: COPIES,
      waitsMs: values.waits.split(',').map((wait) => wholeNumber(wait, 0)),
      seed: wholeNumber(values.seed, 0),
    }
    // With fewer agents than jobs, some had none of their own.
    return plan.agents < plan.jobs ? undefined : { plan, json: values.json }
  } catch {
    return undefined
  }
}

function wholeNumber(text: string, min: number): number {
  const number = Number(text)
  if (!/^\d{1,9}$/.test(text) || number < min) throw new Error(`${text} is no number`)
  return number
}

async function run(plan: Plan, json: boolean): Promise<void> {
  await using cluster = await openCluster(plan.agents)
  // That it is gone in the end is no news.
  cluster.lost.catch(() => undefined)
  if (!json) console.log(`${planLine(plan)}\n\n${headLine()}`)
  for (const setting of settingsOf(plan)) {
    const outcome = await Promise.race([runSetting(plan, cluster, setting), cluster.lost])
    const { tasks, local, jobMs } = outcome
    const line = { ...setting, tasks, local, percent: percentOf(outcome), jobMs }
    console.log(json ? JSON.stringify(line) : outcomeLine(outcome))
  }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => process.exit(code))
const given = commandLine()
if (given === undefined) {
  console.error(USAGE)
  process.exitCode = USAGE_CODE
} else {
  try {
    await run(given.plan, given.json)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    console.error(`locality: ${error.message}`)
    // Jobs that lost their cluster look for it for ever.
    process.exit(1)
  }
}

/** `npm run bench -- check`: does a task cost more than it did? `baseline` keeps what it costs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Figure, type Result, resultOf } from '../result.ts'
import { throughput } from '../scenarios/throughput.ts'
import type { Settings } from '../settings.ts'
import { type Costs, changesSince, middleOf, sentenceOf } from './compare.ts'

/** From the root of the project, where npm starts its scripts. */
const PATH = 'test/bench/baseline.json'
const RUNS = 3
/** Of a baseline that is written anew; a check does what its baseline did. */
const WORK: Work = { agents: 1_000, tasks: 40_000 }

interface Work {
  readonly agents: number
  readonly tasks: number
}

interface Baseline extends Costs, Work, Pick<Result, 'machine' | 'commit'> {}

/** A sentence for each process; exit status 1 when one of them costs more. */
export async function check({ say }: Settings, json: boolean): Promise<void> {
  if (!existsSync(PATH)) throw new Error(`there is no ${PATH}: npm run bench -- baseline`)
  const baseline = JSON.parse(readFileSync(PATH, 'utf8')) as Baseline
  const changes = changesSince(baseline, await run(baseline, say))
  const sentences = changes.map(
    (change) => `${change.hasRisen ? 'FAILED' : 'ok    '} ${sentenceOf(change)}`,
  )
  const speed = `at the speed of the machine of ${baseline.commit}, as the floors of both tell`
  if (json) print(JSON.stringify({ scenario: 'check', baseline: baseline.commit, changes }))
  else print([...sentences, speed].join('\n'))
  if (changes.some(({ hasRisen }) => hasRisen)) process.exitCode = 1
}

export async function keepBaseline({ say, ...given }: Settings, json: boolean): Promise<void> {
  const baseline = middleOf(await run({ ...WORK, ...given }, say))
  writeFileSync(PATH, `${JSON.stringify(baseline, undefined, 2)}\n`)
  print(json ? JSON.stringify(baseline) : `${PATH}: ${JSON.stringify(baseline.cpuUsPerTask)}`)
}

async function run({ agents, tasks }: Work, say: Settings['say']): Promise<readonly Baseline[]> {
  const runs: Baseline[] = []
  for (let i = 1; i <= RUNS; i += 1) {
    say(`run ${i} of ${RUNS}`)
    const measured = await throughput({ agents, tasks, say })
    const { machine, commit, figures } = resultOf('throughput', measured)
    const { cpuUsPerTask, floorCpuUsPerTask } = figures
    runs.push({
      machine,
      commit,
      agents,
      tasks,
      cpuUsPerTask: byProcess(cpuUsPerTask),
      floorCpuUsPerTask: byProcess(floorCpuUsPerTask),
    })
  }
  return runs
}

function byProcess(figure: Figure | undefined): Readonly<Record<string, number>> {
  if (figure === undefined || typeof figure === 'number')
    throw new Error('throughput has no CPU by process')
  return figure
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)

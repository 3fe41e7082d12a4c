/** The same jobs, which do nothing or start a process, by Bourse and by BullMQ in turn. */
import type { Count, Figure, Measured } from '../result.ts'
import type { Settings } from '../settings.ts'
import { openBourse } from '../versus/bourse.ts'
import { BULLMQ } from '../versus/bullmq.ts'
import { type CpuGroup, openCpuGroup } from '../versus/cpu-group.ts'
import { figuresOf, inTurn } from '../versus/in-turn.ts'
import { openRedis, type Redis } from '../versus/redis.ts'

const ROUNDS = 3
const JOBS = 10_000
/** A process costs about so many times what a job costs that does nothing. */
const JOBS_PER_PROCESS = 20
const ONE_BY_ONE = 200

interface Kind {
  readonly name: 'nothing' | 'process'
  readonly jobs: number
  /** At once, on either side. */
  readonly bourseSlots: number
  readonly concurrency: number
}

export async function versusBullmq({ tasks = JOBS, say }: Settings): Promise<Measured> {
  const kinds: readonly Kind[] = [
    { name: 'nothing', jobs: tasks, bourseSlots: 100, concurrency: 100 },
    {
      name: 'process',
      jobs: Math.ceil(tasks / JOBS_PER_PROCESS),
      bourseSlots: 16,
      concurrency: 16,
    },
  ]
  say('starting Redis')
  const group = openCpuGroup('redis')
  const redis = await openRedis(group)
  const counts: Record<string, Count> = {}
  const figures: Record<string, Figure> = {}
  try {
    for (const kind of kinds) {
      say(`${ROUNDS} times ${kind.jobs} jobs on both: ${kind.name}`)
      const compared = await compare(kind, redis, group)
      Object.assign(counts, compared.counts)
      Object.assign(figures, compared.figures)
    }
  } finally {
    await redis.close()
    group.close()
  }
  return {
    settings: { rounds: ROUNDS, tasks, bullmq: BULLMQ.join(' '), cpuOf: group.of },
    counts,
    figures,
  }
}

async function compare(
  { name, jobs, bourseSlots, concurrency }: Kind,
  redis: Redis,
  group: CpuGroup,
) {
  const bourse = await openBourse({
    slots: bourseSlots,
    tasks: name === 'process' ? 'real' : 'pretended',
  })
  const load = await bourse.openLoad()
  const worker = await redis.openWorker(name, concurrency)
  const producer = await redis.openProducer()
  const runBourse = async () => {
    const before = bourse.group.usedMs()
    const { elapsedMs, finished } = await load.ask({ tasks: jobs })
    return { elapsedMs, finished, cpuMs: bourse.group.usedMs() - before }
  }
  const runRedis = async () => {
    const before = group.usedMs()
    const startedAtMs = performance.now()
    const completed = worker.ask({ completed: jobs })
    await producer.ask({ jobs, how: 'at once' })
    await completed
    return { elapsedMs: performance.now() - startedAtMs, cpuMs: group.usedMs() - before }
  }
  await runBourse()
  await runRedis()
  const ran = await inTurn(ROUNDS, runBourse, runRedis)
  await load.close()
  const one = await bourse.openLoad(1)
  const oneBourse = async () => (await one.ask({ tasks: ONE_BY_ONE })).elapsedMs / ONE_BY_ONE
  const oneRedis = async () => {
    const completed = worker.ask({ completed: ONE_BY_ONE })
    const { elapsedMs } = await producer.ask({ jobs: ONE_BY_ONE, how: 'one by one' })
    await completed
    return elapsedMs / ONE_BY_ONE
  }
  await oneBourse()
  await oneRedis()
  const single = await inTurn(ROUNDS, oneBourse, oneRedis)
  await one.close()
  await producer.close()
  await worker.close()
  await bourse.close()
  const finished = ran.bourse.reduce((sum, run) => sum + run.finished, 0)
  const perS = ({ elapsedMs }: { elapsedMs: number }): number => (jobs / elapsedMs) * 1_000
  const cpuMs = (run: { cpuMs: number }): number => run.cpuMs / jobs
  const both = { bourse: ran.bourse, peer: ran.peer }
  return {
    counts: { [`${name}Finished`]: { is: finished, mustBe: ROUNDS * jobs } },
    figures: {
      [`${name}JobsPerS`]: figuresOf('bullmq', {
        bourse: both.bourse.map(perS),
        peer: both.peer.map(perS),
        better: 'more',
      }),
      [`${name}CpuMsPerJob`]: figuresOf('bullmq', {
        bourse: both.bourse.map(cpuMs),
        peer: both.peer.map(cpuMs),
        better: 'less',
      }),
      [`${name}OneAfterTheOtherMs`]: figuresOf('bullmq', { ...single, better: 'less' }),
    },
  }
}

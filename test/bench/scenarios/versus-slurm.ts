/** The same processes, started by Bourse and by Slurm in turn. */
import { fileURLToPath } from 'node:url'
import type { Measured } from '../result.ts'
import type { Settings } from '../settings.ts'
import { type Bourse, openBourse } from '../versus/bourse.ts'
import { openCpuGroup } from '../versus/cpu-group.ts'
import { figuresOf, inTurn, spreadOf } from '../versus/in-turn.ts'
import { runCommand } from '../versus/peer.ts'
import { openSlurm, SLURM_SETTINGS, type Slurm } from '../versus/slurm.ts'

const ROUNDS = 3
const JOBS = 500
const ONE_BY_ONE = 30
const COMMANDS = 5
/** Many more than there are cores. */
const SLOTS = 16
const BOURSE = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))

interface Work {
  readonly bourse: Bourse
  readonly slurm: Slurm
  readonly slurmCpuMs: () => number
  readonly tasks: number
}

export async function versusSlurm({ tasks = JOBS, say }: Settings): Promise<Measured> {
  say('starting Slurm')
  const group = openCpuGroup('slurm')
  const slurm = await openSlurm(group)
  try {
    say('starting Bourse')
    const bourse = await openBourse({ slots: SLOTS, tasks: 'real' })
    try {
      const work = { bourse, slurm, slurmCpuMs: () => group.usedMs(), tasks }
      say(`${ROUNDS} times ${tasks} jobs on both`)
      const many = await compareMany(work)
      say(`${ROUNDS} times ${ONE_BY_ONE} jobs one after the other`)
      const few = await compareOneByOne(work)
      return {
        settings: {
          rounds: ROUNDS,
          tasks,
          bourse: `1 agent of ${SLOTS} CPUs`,
          slurm: SLURM_SETTINGS,
          cpuOf: group.of,
        },
        counts: many.counts,
        figures: { ...many.figures, ...few },
      }
    } finally {
      await bourse.close()
    }
  } finally {
    await slurm.close()
    group.close()
  }
}

/** As many at once as each side likes best. */
async function compareMany({ bourse, slurm, slurmCpuMs, tasks }: Work) {
  const load = await bourse.openLoad()
  const runBourse = async () => {
    const before = bourse.group.usedMs()
    const { elapsedMs, finished } = await load.ask({ tasks })
    return { elapsedMs, finished, cpuMs: bourse.group.usedMs() - before }
  }
  const runSlurm = async () => {
    const before = slurmCpuMs()
    const { elapsedMs, completed } = await slurm.runArray(tasks)
    return { elapsedMs, completed, cpuMs: slurmCpuMs() - before }
  }
  // What is compiled while it runs is compiled before it is measured.
  await runBourse()
  await runSlurm()
  const ran = await inTurn(ROUNDS, runBourse, runSlurm)
  await load.close()
  const perS = ({ elapsedMs }: { elapsedMs: number }): number => (tasks / elapsedMs) * 1_000
  const cpuMs = ({ cpuMs: ms }: { cpuMs: number }): number => ms / tasks
  const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0)
  return {
    counts: {
      bourse: { is: sum(ran.bourse.map(({ finished }) => finished)), mustBe: ROUNDS * tasks },
      slurm: { is: sum(ran.peer.map(({ completed }) => completed)), mustBe: ROUNDS * tasks },
    },
    figures: {
      jobsPerS: figuresOf('slurm', {
        bourse: ran.bourse.map(perS),
        peer: ran.peer.map(perS),
        better: 'more',
      }),
      cpuMsPerJob: figuresOf('slurm', {
        bourse: ran.bourse.map(cpuMs),
        peer: ran.peer.map(cpuMs),
        better: 'less',
      }),
    },
  }
}

/** One at a time: as a framework does it, which stays, and as somebody types it. */
async function compareOneByOne({ bourse, slurm }: Work) {
  const load = await bourse.openLoad(1)
  const runBourse = async () => {
    const { elapsedMs, acceptToRunningMs } = await load.ask({ tasks: ONE_BY_ONE })
    return { toRunningMs: spreadOf(acceptToRunningMs).median, toEndMs: elapsedMs / ONE_BY_ONE }
  }
  const median = async (times: number, one: () => Promise<number>): Promise<number> => {
    const taken: number[] = []
    for (let i = 0; i < times; i += 1) taken.push(await one())
    return spreadOf(taken).median
  }
  await runBourse()
  const ran = await inTurn(ROUNDS, runBourse, () => median(ONE_BY_ONE, slurm.srunMs))
  await load.close()
  const typed = await inTurn(
    ROUNDS,
    () => median(COMMANDS, () => bourseRunMs(bourse.cluster.url)),
    () => median(COMMANDS, slurm.srunMs),
  )
  return {
    acceptToRunningMs: figuresOf('srun', {
      bourse: ran.bourse.map(({ toRunningMs }) => toRunningMs),
      peer: ran.peer,
      better: 'less',
    }),
    oneAfterTheOtherMs: figuresOf('srun', {
      bourse: ran.bourse.map(({ toEndMs }) => toEndMs),
      peer: ran.peer,
      better: 'less',
    }),
    typedMs: figuresOf('srun', { bourse: typed.bourse, peer: typed.peer, better: 'less' }),
  }
}

async function bourseRunMs(url: string): Promise<number> {
  const startedAtMs = performance.now()
  await runCommand([process.execPath, BOURSE, 'run', '--nats', url, '--', 'true'])
  return performance.now() - startedAtMs
}

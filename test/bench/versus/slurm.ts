/**
 * Slurm as it is fastest here: its controller and several daemons on loopback, no accounting, no
 * credentials, scheduling without delay. It has an epilog that does nothing, because a daemon tells
 * the end of a job apart only when it has run one: without, the controller looks for jobs to start
 * once a second, and eight slots made eight jobs a second instead of seventy.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '../../../bus/clock.ts'
import { freePorts } from '../../support/free-ports.ts'
import type { CpuGroup } from './cpu-group.ts'
import { type Daemon, findPrograms, MissingPeer, runCommand, startDaemon } from './peer.ts'

/** On two cores, the fastest of what was tried: 1 to 8 daemons of 2 to 128 CPUs. */
const NODES = 4
const SLOTS_PER_NODE = 16
const HOW = 'apt-get install slurm-wlm (Debian)'
const READY_MS_MAX = 30_000
const LOOK_MS = 100

export const SLURM_SETTINGS = `${NODES} slurmd of ${SLOTS_PER_NODE} CPUs, sbatch --array`

export interface Slurm {
  /** So many times `true` as one job array; how long until the last one has ended. */
  readonly runArray: (jobs: number) => Promise<SlurmRun>
  /** One `srun true`, from before its start to its end. */
  readonly srunMs: () => Promise<number>
  close(): Promise<void>
}

export interface SlurmRun {
  readonly elapsedMs: number
  readonly completed: number
}

/** @throws {MissingPeer} when it is not installed, or may not start what it starts. */
export async function openSlurm(group: CpuGroup): Promise<Slurm> {
  const [slurmctld = '', slurmd = '', sbatch = '', srun = '', squeue = '', sinfo = ''] =
    findPrograms(HOW, 'slurmctld', 'slurmd', 'sbatch', 'srun', 'squeue', 'sinfo')
  if (process.getuid?.() !== 0) throw new MissingPeer('Slurm does not run here: be root')
  const folder = mkdtempSync(join(tmpdir(), 'bourse-slurm-'))
  const configPath = join(folder, 'slurm.conf')
  const script = join(folder, 'true.sh')
  const env = { SLURM_CONF: configPath }
  const nodes = Array.from({ length: NODES }, (_, i) => `n${i + 1}`)
  for (const part of ['state', ...nodes]) mkdirSync(join(folder, part))
  writeFileSync(configPath, configOf(folder, nodes, await freePorts(NODES + 1)))
  writeFileSync(script, '#!/bin/sh\ntrue\n')
  const log = join(folder, 'log')
  const daemons: Daemon[] = []
  const close = async (): Promise<void> => {
    for (const daemon of daemons.reverse()) await daemon.end()
    rmSync(folder, { recursive: true, force: true })
  }
  const ask = (...argv: readonly string[]): Promise<string> => runCommand(argv, { env })
  const count = async (job: string, states: string): Promise<number> => {
    const told = await ask(squeue, '--noheader', '--array', '-j', job, '-t', states, '-o', '%i')
    return told.split('\n').filter((line) => line !== '').length
  }
  try {
    daemons.push(startDaemon([slurmctld, '-D', '-f', configPath], { log, group, env }))
    for (const node of nodes)
      daemons.push(startDaemon([slurmd, '-D', '-N', node, '-f', configPath], { log, group, env }))
    await ready(() => ask(sinfo, '--noheader', '-o', '%T'), log)
  } catch (error) {
    await close()
    throw error
  }
  return {
    async runArray(jobs) {
      const startedAtMs = performance.now()
      const array = ['--parsable', `--array=1-${jobs}`, '-o', '/dev/null', script]
      const job = (await ask(...group.prefix, sbatch, ...array)).trim()
      while ((await count(job, 'pending,configuring,running')) > 0) await sleep(LOOK_MS)
      const elapsedMs = performance.now() - startedAtMs
      while ((await count(job, 'completing')) > 0) await sleep(LOOK_MS)
      return { elapsedMs, completed: await count(job, 'completed') }
    },
    async srunMs() {
      const startedAtMs = performance.now()
      await ask(srun, '--quiet', 'true')
      return performance.now() - startedAtMs
    },
    close,
  }
}

async function ready(states: () => Promise<string>, log: string): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX
  while (performance.now() < deadlineMs) {
    const said = await states().catch(() => '')
    if (said.trim() === 'idle') return
    await sleep(LOOK_MS)
  }
  throw new Error(`slurm does not come up: ${readFileSync(log, 'utf8').slice(-1_000)}`)
}

const configOf = (
  folder: string,
  nodes: readonly string[],
  [controllerPort, ...ports]: readonly number[],
): string => `
ClusterName=bench
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmctldPort=${controllerPort}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldDebug=error
SlurmdDebug=error
MailProg=/bin/true
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
MaxArraySize=100001
MaxJobCount=200000
Epilog=/bin/true
${nodes.map((node, i) => `NodeName=${node} NodeHostname=${hostname()} NodeAddr=127.0.0.1 Port=${ports[i]} CPUs=${SLOTS_PER_NODE}`).join('\n')}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`

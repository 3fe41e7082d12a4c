/**
 * An operator who looks at tasks that run, one on each agent: whatever the builds of the leader and
 * the agent are, it is answered or refused by name, and no session is lost over it.
 */
import { type ExecFileException, execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BOURSE } from '../support/cluster.ts'
import type { Probe } from './probe.ts'

export interface Onlooker {
  /** What is wrong. */
  readonly problems: string[]
  /** Looks at all of them. `isShown`: nothing may be refused. */
  look(when: string, isShown?: boolean): Promise<void>
  /** Resolves when the tasks have ended. */
  close(): Promise<void>
}

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export async function openOnlooker(
  probe: Probe,
  { agents, folder, env }: { agents: readonly string[]; folder: string; env: NodeJS.ProcessEnv },
): Promise<Onlooker> {
  const stays = join(folder, 'stays')
  writeFileSync(stays, '')
  const tasks: string[] = []
  for (const agentId of agents) tasks.push(await probe.launchOn(await probe.offer(agentId), stays))
  for (const taskId of tasks) await probe.isIn(taskId, 'TASK_RUNNING')
  const problems: string[] = []

  const bourse = (...args: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const done = (error: ExecFileException | null, stdout: string, stderr: string): void =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
      execFile(process.execPath, [BOURSE, ...args], { env }, done)
    })
  const sessionsLost = async (): Promise<number> => {
    const { stdout } = await bourse('status', '--json')
    const { counters } = JSON.parse(stdout) as { counters: Record<string, number> }
    return counters['agent-sessions-lost'] ?? 0
  }
  const lookAt = async (taskId: string, when: string, isShown: boolean): Promise<void> => {
    const complain = (what: string, { code, stderr }: Ran): unknown =>
      problems.push(`${when}, bourse ${what} ${taskId} ends with ${code}: ${stderr.trim()}`)
    const status = await bourse('status', taskId)
    if (status.code !== 0) complain('status', status)
    const logs = await bourse('logs', taskId)
    if (logs.code !== 0) complain('logs', logs)
    const ls = await bourse('ls', taskId)
    const isRefused = ls.code === 1 && /does not say that it understands|is no verb/.test(ls.stderr)
    if (ls.code !== 0 && (isShown || !isRefused)) complain('ls', ls)
  }
  return {
    problems,
    async look(when, isShown = false) {
      const before = await sessionsLost()
      for (const taskId of tasks) await lookAt(taskId, when, isShown)
      const lost = (await sessionsLost()) - before
      if (lost > 0)
        problems.push(`${when}, ${lost} agents lost their sessions when somebody looked`)
    },
    async close() {
      rmSync(stays, { force: true })
      for (const taskId of tasks) await probe.isIn(taskId, 'TASK_FINISHED')
    },
  }
}

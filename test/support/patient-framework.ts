/**
 * A framework for tests: starts tasks, writes down each status, and ends when all have ended.
 *
 * `patient-framework FOLDER COUNT SECONDS`. All that it must know after a kill -9 is in the folder:
 * `accepted` (task ids, before they are accepted) and `statuses` (a JSON line each). A task appends
 * a line to `starts/ID`, sleeps, and ends in one of three ways, by its number.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openScheduler } from '../../actors/scheduler/scheduler.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import { isTerminal } from '../../protocol/task-state.ts'

const [folder = '', countText = '0', seconds = '0'] = process.argv.slice(2)
const taskIds = Array.from({ length: Number(countText) }, (_, i) => `t-${i}`)
const accepted = join(folder, 'accepted')
const statuses = join(folder, 'statuses')
mkdirSync(join(folder, 'starts'), { recursive: true })

const lines = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []

const waiting = new Set(taskIds.filter((taskId) => !lines(accepted).includes(taskId)))
const ended = new Set(
  lines(statuses)
    .map((line): TaskStatus => JSON.parse(line))
    .flatMap(({ taskId, state }) => (isTerminal(state) ? [taskId as string] : [])),
)

const ENDINGS = ['exit 0', 'exit 3', 'kill -9 $$']
const commandOf = (taskId: string): string => {
  const ending = ENDINGS[Number(taskId.slice(2)) % ENDINGS.length]
  return `echo started >> ${join(folder, 'starts', taskId)}; sleep ${seconds}; ${ending}`
}

const scheduler = await openScheduler({
  name: 'patient',
  frameworkId: 'patient',
  secret: 'patience is a virtue',
  failoverMs: 60_000,
  openTimeoutMs: 60_000,
})
const allEnded = new Promise<void>((resolve) => {
  const look = (): void => {
    if (ended.size === taskIds.length) resolve()
  }
  scheduler.onStatus((status) => {
    appendFileSync(statuses, `${JSON.stringify(status)}\n`)
    if (isTerminal(status.state)) ended.add(status.taskId)
    look()
  })
  look()
})
process.stdout.write('ready\n')

const accepting = async (): Promise<void> => {
  for await (const offer of scheduler.offers()) {
    const fitting = [...waiting].slice(0, Math.floor(offer.cpus / 0.1))
    if (fitting.length === 0) {
      await offer.decline('nothing left to start', { refuseMs: 60_000 })
      continue
    }
    for (const taskId of fitting) waiting.delete(taskId)
    appendFileSync(accepted, `${fitting.join('\n')}\n`)
    await offer.accept(
      fitting.map((taskId) => ({
        taskId,
        command: commandOf(taskId),
        resources: { cpus: 0.1, mem: 16 },
      })),
    )
  }
}
await Promise.race([allEnded, accepting()])
await scheduler.teardown()
await scheduler.close()

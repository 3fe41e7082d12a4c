/**
 * Counts the words of a folder's text files on a cluster: `main.js FOLDER [--json]`.
 *
 * A framework of its own, on `bourse/scheduler` alone. The cluster is the one of NATS_URL or of the
 * `bourse dev` that runs here; its agents must see the folder. README.md says how it works.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ClusterError, openScheduler } from '../../actors/scheduler/scheduler.ts'
import { countOnCluster } from './framework.ts'
import {
  agentLine,
  type CountEvent,
  plannedLine,
  resultOf,
  taskLine,
  totalLine,
  wordLines,
} from './report.ts'
import { splitText } from './split.ts'
import { newCount, progressOf } from './state.ts'
import { findTextFiles, wordEndIn } from './text-files.ts'

/** More than agents, so that one sees how the work spreads. */
const PARTS = 12
const TOP = 20
/** Its tasks do not outlive it for longer. */
const FAILOVER_MS = 5_000
/** A leader that is there has torn it down by then. */
const TEARDOWN_MS = 3_000
const USAGE_CODE = 64

async function count(folder: string, tell: (event: CountEvent) => void): Promise<void> {
  const { files, notText, unreadable } = findTextFiles(folder)
  if (files.length === 0)
    throw new ClusterError('word-count/no-text', 'never', `${folder} holds no text file`)
  const wordEnd = (path: string, offset: number): number => wordEndIn(folder, path, offset)
  const parts = splitText(files, { parts: PARTS, wordEnd })
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const sizes = { files: files.length, bytes, parts: parts.length }
  tell({ event: 'planned', folder, ...sizes, notText, unreadable })
  const scheduler = await openScheduler({ name: 'word-count', failoverMs: FAILOVER_MS })
  const stop = (): void => {
    void scheduler.teardown()
    // Where nobody leads, nobody hears that: its tasks end by its failover.
    AbortSignal.timeout(TEARDOWN_MS).addEventListener('abort', () => process.exit(1))
  }
  // The last: whoever started it with a channel has died.
  process.once('SIGINT', stop).once('SIGTERM', stop).once('disconnect', stop)
  const state = newCount(folder, parts)
  try {
    await countOnCluster(state, {
      scheduler,
      watcher: {
        task: (task) => tell({ event: 'task', task, progress: progressOf(state) }),
        declined: (agentId, reason) => tell({ event: 'declined', agentId, reason }),
      },
    })
    tell(resultOf(state))
  } finally {
    await scheduler.teardown()
    // A channel that is listened to would keep the process.
    process.off('disconnect', stop)
  }
}

function forPeople(event: CountEvent): void {
  switch (event.event) {
    case 'planned':
      return console.error(plannedLine(event))
    case 'declined':
      return console.error(`an offer of ${event.agentId} declined: ${event.reason}`)
    case 'task':
      if (event.task.state === 'placed') return
      return console.error(taskLine(event.task, event.progress))
    case 'result': {
      for (const line of wordLines(event.counts, TOP)) console.log(line)
      console.log(totalLine(event.counts))
      for (const agent of event.agents) console.log(agentLine(agent, event.tasks))
      return
    }
    default:
      return event satisfies never
  }
}

const forPrograms = (event: CountEvent): void => console.log(JSON.stringify(event))

function commandLine(): { readonly folder: string; readonly json: boolean } | undefined {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    const [folder, ...more] = positionals
    if (folder === undefined || more.length > 0) return undefined
    return { folder: resolve(folder), json: values.json }
  } catch {
    // A flag that there is not: the usage says which there are.
    return undefined
  }
}

const asked = commandLine()
if (asked === undefined) {
  console.error('usage: main.js FOLDER [--json]')
  process.exitCode = USAGE_CODE
} else {
  try {
    await count(asked.folder, asked.json ? forPrograms : forPeople)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    console.error(`word-count: ${error.message}`)
    process.exitCode = 1
  }
}

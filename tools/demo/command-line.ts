/** What `npm run demo -- …` was asked for. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Absolute. */
  readonly folder: string
  readonly killAgent: boolean
  readonly killMaster: boolean
  /** `fetch`: the one of the cache, fetched into it if need be. Absent: one that is found. */
  readonly natsServer?: string
  readonly json: boolean
}

export const USAGE = `usage: npm run demo [-- [FOLDER] [FLAGS]]

Starts nats-server, two masters, an allocator and three agents, and counts the words of a folder's
text files with tasks on the agents. FOLDER: this project's docs and sources by default.

  --kill-agent         kills -9 an agent while its tasks run
  --kill-master        kills -9 the leading master while tasks run
  --nats-server PATH   uses that one; "fetch": as if none were installed
  --json               one JSON document with the result
  --help`

interface Where {
  /** Folders are named from here. */
  readonly from: string
  readonly folderDefault: string
}

/** A sentence: it was written wrongly. */
export function parseDemo(
  args: readonly string[],
  { from, folderDefault }: Where,
): DemoOptions | 'help' | { readonly wrong: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'kill-agent': { type: 'boolean', default: false },
        'kill-master': { type: 'boolean', default: false },
        'nats-server': { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const [folder, ...more] = positionals
    if (more.length > 0) return { wrong: `one folder at a time, not also ${more.join(' ')}` }
    const natsServer = values['nats-server']
    const isPath = natsServer !== undefined && natsServer !== 'fetch'
    return {
      folder: folder === undefined ? folderDefault : resolve(from, folder),
      killAgent: values['kill-agent'],
      killMaster: values['kill-master'],
      json: values.json,
      ...(natsServer !== undefined && {
        natsServer: isPath ? resolve(from, natsServer) : natsServer,
      }),
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { wrong: error.message }
  }
}

/** Why its words cannot be counted, in a sentence; undefined: it is a folder. */
export function folderProblem(folder: string): string | undefined {
  try {
    const status = statSync(folder, { throwIfNoEntry: false })
    if (status === undefined) return `there is no folder ${folder}`
    return status.isDirectory() ? undefined : `${folder} is no folder: name the one that it lies in`
  } catch (error) {
    // Of the file system: its sentence is enough.
    return error instanceof Error ? error.message : String(error)
  }
}

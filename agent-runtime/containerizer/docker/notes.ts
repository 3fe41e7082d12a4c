/**
 * What an agent writes down about its containers, one file each, a line for each thing known:
 *
 *     {"sandbox":…}    it was asked for
 *     starting         its start is about to be asked for
 *     started          it runs, or did
 *     never            it never starts
 *     ended {…}        how
 *     alone {…}        it was ended as no agent came back
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { LimitHit } from '../../isolator/isolator.ts'
import type { SandboxName } from '../../sandbox/sandboxes.ts'
import type { Exit } from '../containerizer.ts'

export interface Note {
  readonly sandbox: SandboxName
  readonly state: 'asked' | 'starting' | 'started' | 'never' | DockerEnd
  /** It was ended as no agent came back. */
  readonly why?: string
}

export interface Alone {
  readonly why: string
}

export interface DockerEnd {
  readonly exit: Exit
  readonly limit?: LimitHit
}

export class Notes {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  /** Throws where a container cannot be written down: then it is not to be made. */
  open(containerId: string, sandbox: SandboxName): void {
    writeFileSync(this.#file(containerId), `${JSON.stringify({ sandbox })}\n`, { flag: 'wx' })
  }

  /** False: the disk is full, or nothing was ever written about it. */
  add(containerId: string, state: Exclude<Note['state'], 'asked'> | Alone): boolean {
    const line = lineOf(state)
    try {
      const file = openSync(this.#file(containerId), constants.O_WRONLY | constants.O_APPEND)
      try {
        writeSync(file, `\n${line}\n`)
      } finally {
        closeSync(file)
      }
      return true
    } catch {
      // Whoever needs it to be there asks; all else is found out anew from the service.
      return false
    }
  }

  remove(containerId: string): void {
    rmSync(this.#file(containerId), { force: true })
  }

  /** Halves that a death left behind are removed: nothing was made for them yet. */
  all(): Map<string, Note> {
    const found = new Map<string, Note>()
    for (const containerId of readdirSync(this.#path)) {
      const note = parseNote(readFileSync(this.#file(containerId), 'utf8'))
      if (note === undefined) this.remove(containerId)
      else found.set(containerId, note)
    }
    return found
  }

  #file(containerId: string): string {
    return join(this.#path, containerId)
  }
}

/** The last line that says something: on a full disk there may be halves between. */
function parseNote(text: string): Note | undefined {
  const [head = '', ...lines] = text.split('\n')
  const parsed = parseJson(head) as Pick<Note, 'sandbox'> | undefined
  if (parsed === undefined) return undefined
  const states = lines.map(parseState).filter((state) => state !== undefined)
  const alone = lines.findLast((line) => line.startsWith(ALONE))
  return {
    sandbox: parsed.sandbox,
    state: states.at(-1) ?? 'asked',
    ...(alone !== undefined && (parseJson(alone.slice(ALONE.length)) as Alone | undefined)),
  }
}

function parseState(line: string): Note['state'] | undefined {
  if (line === 'starting' || line === 'started' || line === 'never') return line
  return line.startsWith(ENDED) ? (parseJson(line.slice(ENDED.length)) as DockerEnd) : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A death or a full disk left half of it.
    return undefined
  }
}

function lineOf(state: Exclude<Note['state'], 'asked'> | Alone): string {
  if (typeof state === 'string') return state
  return ('why' in state ? ALONE : ENDED) + JSON.stringify(state)
}

const ENDED = 'ended '
const ALONE = 'alone '

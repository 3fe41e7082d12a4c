/**
 * What an agent writes down about its containers, one file each, a line for each thing known:
 *
 *     {"sandbox":…}    it was asked for, and to what it is held from here
 *     starting         its start is about to be asked for
 *     started          it runs, or did
 *     never            it never starts
 *     limited {…}      it is about to be ended for a limit
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
import type { Hold, LimitHit } from '../../isolator/hold.ts'
import type { OutputLimits } from '../../sandbox/output-limits.ts'
import type { SandboxName } from '../../sandbox/sandboxes.ts'
import type { Exit } from '../containerizer.ts'

/** What is written down before it is made. */
export interface NoteHead {
  readonly sandbox: SandboxName
  /** Absent: what the agent says. */
  readonly output?: OutputLimits
  /** Absent: nothing. */
  readonly holds?: readonly Hold[]
}

export interface Note extends NoteHead {
  readonly state: 'asked' | 'starting' | 'started' | 'never' | DockerEnd
  /** It was ended as no agent came back. */
  readonly why?: string
  /** It was found beyond it, and perhaps ended for it. */
  readonly limit?: LimitHit
}

export interface Limited {
  readonly limit: LimitHit
}

export interface Alone {
  readonly why: string
}

export interface DockerEnd {
  readonly exit: Exit
  readonly limit?: LimitHit
}

type Noted = Exclude<Note['state'], 'asked'> | Limited | Alone

export class Notes {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  /** Throws where a container cannot be written down: then it is not to be made. */
  open(containerId: string, asked: NoteHead): void {
    writeFileSync(this.#file(containerId), `${JSON.stringify(asked)}\n`, { flag: 'wx' })
  }

  /** False: the disk is full, or nothing was ever written about it. */
  add(containerId: string, state: Noted): boolean {
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
  const parsed = parseJson(head) as NoteHead | undefined
  if (parsed === undefined) return undefined
  const states = lines.map(parseState).filter((state) => state !== undefined)
  return {
    ...parsed,
    state: states.at(-1) ?? 'asked',
    ...(lastOf(lines, LIMITED) as Limited | undefined),
    ...(lastOf(lines, ALONE) as Alone | undefined),
  }
}

function lastOf(lines: readonly string[], word: string): unknown {
  const line = lines.findLast((one) => one.startsWith(word))
  return line === undefined ? undefined : parseJson(line.slice(word.length))
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

function lineOf(state: Noted): string {
  if (typeof state === 'string') return state
  const word = 'why' in state ? ALONE : 'exit' in state ? ENDED : LIMITED
  return word + JSON.stringify(state)
}

const ENDED = 'ended '
const LIMITED = 'limited '
const ALONE = 'alone '

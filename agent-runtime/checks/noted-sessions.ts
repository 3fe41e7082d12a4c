/**
 * Sessions of commands that check tasks, written down while they run: a command that hangs outlives
 * an agent that is killed, and its container, and nothing else would name it to the next agent.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../bus/clock.ts'
import { sessionScope } from '../isolator/kill/session.ts'
import { isAlive, type ProcessIdentity, readText } from '../isolator/proc.ts'
import { emptied } from './command.ts'

export class NotedSessions {
  readonly #path: string
  readonly #use: number
  readonly #before: readonly string[]
  #count = 0

  /** `use`: which of this folder it is. */
  constructor(path: string, use: number) {
    this.#path = path
    this.#use = use
    mkdirSync(path, { recursive: true })
    this.#before = readdirSync(path)
  }

  /** A file that is not there yet. */
  next(): string {
    this.#count += 1
    return join(this.#path, `${this.#use}.${this.#count}`)
  }

  /** Kills what an earlier agent began and nobody has ended. */
  endEarlier(clock: Clock): void {
    for (const name of this.#before) {
      const file = join(this.#path, name)
      const leader = parseLeader(readText(file))
      const forget = (): void => rmSync(file, { force: true })
      // The number of a session without its leader may be another's by now.
      if (isAlive(leader)) emptied(sessionScope(leader), clock, forget)
      else forget()
    }
  }
}

function parseLeader(text = ''): ProcessIdentity {
  const [pid = 0, startTicks = 0] = text.split(' ').map(Number)
  return { pid, startTicks }
}

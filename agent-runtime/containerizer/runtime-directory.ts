/**
 * The files by which agents, launchers and recording parents of one work directory meet.
 *
 *     boot-id          of the boot that all pids here are of
 *     owner            pid and start time of the agent that uses it, or of who ends its tasks
 *     watch            how many agents have used it; pid and start time of who watches for the last
 *     launcher.sh
 *     launches/ID      a container as asked for; `ID.silent` if given up without an answer
 *     records/ID       what became of it
 *     ended/ID         why it was ended while no agent watched
 *     limits/ID        for what limit an agent ended it
 *     checks/N         pid and start time of a command that checks a task and is only a session
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ClusterError } from '../../protocol/errors.ts'
import { NotedSessions } from '../checks/noted-sessions.ts'
import {
  fileId,
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  readText,
  signalPid,
} from '../isolator/proc.ts'
import { LAUNCHER_SCRIPT } from '../launcher/script.ts'
import { type LaunchHead, parseLaunchHead } from './launch-file.ts'
import { NotedLimits } from './noted-limits.ts'
import { abandonedLine, lostLine, parseRecord, type Record } from './record.ts'

const NOBODY: ProcessIdentity = { pid: 0, startTicks: 0 }
const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const SILENT = '.silent'
/** What every recording parent has in its command line. */
export const LAUNCHER = 'launcher.sh'

/** `silent`: its claimer was given up; without a start in its record it never starts. */
export interface FoundContainer extends LaunchHead {
  readonly silent: boolean
}

export class RuntimeDirectory {
  readonly path: string
  readonly records: string
  readonly script: string
  readonly limits: NotedLimits
  readonly checks: NotedSessions

  /** Which use of the directory this is, among all; one that only ends tasks is none. */
  readonly uses: number
  /** Who ends the tasks of the last use. */
  readonly #watcherBefore: ProcessIdentity
  readonly #ended: Set<string>

  /**
   * @throws {ClusterError} `containerizer/in-use` if another living agent has it, or
   * `containerizer/ending` if the tasks of a dead one are just being ended.
   */
  constructor(path: string, use: 'agent' | 'ending' = 'agent') {
    this.path = path
    this.records = join(path, 'records')
    this.script = join(path, LAUNCHER)
    // Through the work directory other users go to their sandboxes.
    mkdirSync(dirname(path), { recursive: true })
    // What tasks are given in their environment stands in launches: nobody else's to read.
    mkdirSync(path, { recursive: true, mode: 0o700 })
    mkdirSync(this.records, { recursive: true })
    mkdirSync(join(path, 'launches'), { recursive: true })
    mkdirSync(join(path, 'ended'), { recursive: true })
    this.limits = new NotedLimits(join(path, 'limits'))
    const boot = this.#boot()
    this.#own(use, boot)
    try {
      this.#ended = new Set(readdirSync(join(path, 'ended')))
      replaceFile(this.script, LAUNCHER_SCRIPT)
      if (boot.isAnother) this.#endWhatARebootEnded()
      if (boot.before !== boot.id) replaceFile(join(path, 'boot-id'), boot.id)
      const before = parseWatch(readText(join(path, 'watch')))
      this.uses = before.uses + 1
      this.checks = new NotedSessions(join(path, 'checks'), this.uses)
      this.#watcherBefore = before.watcher
    } catch (error) {
      // On a full disk: who lives on and tries again must not find itself there.
      this.close()
      throw error
    }
  }

  close(): void {
    if (this.#otherOwner() === undefined) rmSync(join(this.path, 'owner'), { force: true })
  }

  /**
   * Of several that began at once the last one has it.
   *
   * @throws {ClusterError} as the constructor.
   */
  checkOwner(): void {
    const other = this.#otherOwner()
    if (other !== undefined) throw inUse(this.path, other)
  }

  #otherOwner(): number | undefined {
    const { pid, startTicks } = parseOwner(readText(join(this.path, 'owner')))
    return pid !== process.pid && isAlive({ pid, startTicks }) ? pid : undefined
  }

  writeLaunch(containerId: string, text: string): void {
    writeFileSync(this.#launch(containerId), text, { flag: 'wx' })
  }

  /** The file that says all about a container. */
  launchFileOf(containerId: string): string {
    const file = this.#launch(containerId)
    return existsSync(file) ? file : file + SILENT
  }

  readRecord(containerId: string): Record | undefined {
    const text = readText(join(this.records, containerId))
    return text === undefined ? undefined : parseRecord(text)
  }

  /**
   * Which file its record is, as `fileId`; undefined: nobody has claimed it.
   *
   * @throws {Error} as `fileId`.
   */
  recordId(containerId: string): string | undefined {
    return fileId(join(this.records, containerId))
  }

  /** True: this container never starts. False: somebody else may have claimed it. */
  claim(containerId: string, why: string): boolean {
    try {
      writeFileSync(join(this.records, containerId), abandonedLine(why), { flag: 'wx' })
      return true
    } catch {
      // Claimed, or the disk is full: who cannot claim waits, and gives up like for a silent
      // claimer.
      return false
    }
  }

  /**
   * For a container whose claimer is silent. After this the claimer does not start it any more,
   * or the record already says that it did: read it again.
   */
  stopWaiting(containerId: string): void {
    if (readText(this.#launch(containerId)) === undefined) return
    try {
      renameSync(this.#launch(containerId), this.#launch(containerId) + SILENT)
    } catch {
      // The disk is read-only: then nobody can write that it starts, and so it does not.
    }
  }

  /** Ends a container whose recording parent cannot do so any more. False: not now, try later. */
  recordLost(containerId: string, why: string): boolean {
    try {
      appendFileSync(join(this.records, containerId), lostLine(why))
      return true
    } catch {
      // The disk is full. Nobody else writes to this record: it is as true later.
      return false
    }
  }

  /**
   * Who ends the tasks of this use if no other follows; absent: nobody. Whoever watched for the
   * last one has nothing to wait for any more, but not before: this agent may die first.
   */
  watchedBy(watcher: ProcessIdentity = NOBODY): void {
    try {
      replaceFile(join(this.path, 'watch'), watchText(this.uses, watcher))
    } catch (error) {
      // The disk is full. Of a second watcher the count says enough: it is what the next agent
      // raises, should it not find the process.
      if (usesOf(this.path) !== this.uses) throw error
    }
    if (isAlive(this.#watcherBefore)) signalPid(-this.#watcherBefore.pid, 'SIGKILL')
  }

  /** For the next agent, before the container is killed. */
  noteEnding(containerId: string, why: string): void {
    writeFileSync(join(this.path, 'ended', containerId), why)
    this.#ended.add(containerId)
  }

  /** It runs on: who was to end it died too early. */
  forgetEnding(containerId: string): void {
    if (this.#ended.delete(containerId)) removed(join(this.path, 'ended', containerId))
  }

  /** Why it was ended while no agent watched. */
  endingOf(containerId: string): string | undefined {
    return this.#ended.has(containerId)
      ? readText(join(this.path, 'ended', containerId))
      : undefined
  }

  remove(containerId: string): void {
    this.forgetEnding(containerId)
    this.limits.forget(containerId)
    // One given up has the other name.
    if (!removed(this.#launch(containerId))) removed(this.#launch(containerId) + SILENT)
    removed(join(this.records, containerId))
  }

  /** Every container there is. Halves that a death left behind are removed. */
  containers(): Map<string, FoundContainer> {
    const found = new Map<string, FoundContainer>()
    for (const name of readdirSync(join(this.path, 'launches'))) {
      const containerId = name.replace(SILENT, '')
      const head = parseLaunchHead(readText(this.#launch(name)) ?? '')
      if (head === undefined) this.remove(containerId)
      else found.set(containerId, { ...head, silent: name !== containerId })
    }
    for (const containerId of readdirSync(this.records)) {
      if (!found.has(containerId)) this.remove(containerId)
    }
    return found
  }

  #launch(containerId: string): string {
    return join(this.path, 'launches', containerId)
  }

  #boot(): Boot {
    const id = readText(BOOT_ID) ?? ''
    const before = readText(join(this.path, 'boot-id'))
    return { id, before, isAnother: before !== undefined && before !== id }
  }

  #own(use: 'agent' | 'ending', { isAnother }: Boot): void {
    const file = join(this.path, 'owner')
    const { pid, startTicks, isEnding } = parseOwner(isAnother ? '' : readText(file))
    if (pid > 0 && isAlive({ pid, startTicks })) {
      if (!isEnding) throw inUse(this.path, pid)
      const message = `tasks of ${this.path} are being ended by the process ${pid}, as no agent came back`
      throw new ClusterError('containerizer/ending', 'later', message)
    }
    const own = ownIdentity()
    replaceFile(file, `${own.pid} ${own.startTicks} ${use}\n`)
  }

  #endWhatARebootEnded(): void {
    for (const containerId of this.containers().keys()) {
      const record = this.readRecord(containerId)
      if (record?.kind === 'claimed' || record?.kind === 'started') {
        this.recordLost(containerId, 'the machine was rebooted while the task ran')
      }
    }
    rmSync(join(this.path, 'checks'), { recursive: true, force: true })
    replaceFile(join(this.path, 'watch'), watchText(usesOf(this.path), NOBODY))
  }
}

interface Boot {
  readonly id: string
  /** When the directory was used last. */
  readonly before: string | undefined
  /** Whoever has a pid now that is written here is a stranger. */
  readonly isAnother: boolean
}

function parseOwner(text = '') {
  const [pid = '', startTicks = '', use = ''] = text.trim().split(' ')
  return { pid: Number(pid), startTicks: Number(startTicks), isEnding: use === 'ending' }
}

const inUse = (path: string, pid: number): ClusterError =>
  new ClusterError(
    'containerizer/in-use',
    'later',
    `${path} is in use by the agent with pid ${pid}`,
  )

/** Which use of a runtime directory was the last. */
export function usesOf(path: string): number {
  return parseWatch(readText(join(path, 'watch'))).uses
}

const watchText = (uses: number, { pid, startTicks }: ProcessIdentity): string =>
  `${uses} ${pid} ${startTicks}\n`

function parseWatch(text = ''): { readonly uses: number; readonly watcher: ProcessIdentity } {
  const [uses = 0, pid = 0, startTicks = 0] = text.split(' ').map(Number)
  return { uses, watcher: { pid, startTicks } }
}

/** False: it was not there. For each container: rmSync would look twice before. */
function removed(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Whoever reads the old file goes on reading the old file. */
export function replaceFile(path: string, text: string): void {
  const next = `${path}.${process.pid}`
  try {
    writeFileSync(next, text)
    renameSync(next, path)
  } catch (error) {
    // On a full disk an agent may be started again and again.
    rmSync(next, { force: true })
    throw error
  }
}

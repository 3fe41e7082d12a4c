/** `bourse watch-run`: the process that is left of a `bourse run --detach`, until all has ended. */
import { fstatSync, ftruncateSync, rmSync, writeSync } from 'node:fs'
import { systemClock } from '../../bus/clock.ts'
import { claimFile, dropClaim } from '../../bus/nats/claimed-file.ts'
import { parseConstraint } from '../../frameworks/run/constraints.ts'
import { exitCodeOf } from '../../frameworks/run/result.ts'
import { type Display, runCommand } from '../../frameworks/run/run.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { ownerFileOf } from '../dev/runs.ts'
import { EXIT, type ExitCode, wrongUse } from '../exit-code.ts'
import type { Io } from '../io.ts'
import { HumanDisplay } from '../run-display.ts'
import type { WatcherOrder, WatcherWord } from '../watcher.ts'

/** What ends so soon is told to whoever waits: most likely a slip of the pen. */
const AT_ONCE_MS = 300
/** A run may last for years, and say each minute that it starts something again. */
const LOG_BYTES_MAX = 1024 * 1024
const STDERR = 2

/** Tells the command that began the run, until that has heard enough; then only its log. */
export async function watchRun(io: Io): Promise<ExitCode> {
  if (process.send === undefined) throw wrongUse('watch-run is what `bourse run --detach` starts')
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  const order = await orderOf(stop)
  const owner = ownerFileOf(order.logPath)
  const log = logOf(order, io)
  const endSooner = (): void => {
    if (abort.signal.aborted) {
      log.leaving()
      dropClaim(owner)
      process.exit(EXIT.interrupted)
    }
    stop()
  }
  process.on('SIGTERM', endSooner).on('SIGINT', endSooner)
  process.on('SIGHUP', () => undefined)
  try {
    claimFile(owner)
    const result = await runCommand(
      { ...order.options, constraints: constraintsOf(order), signal: abort.signal },
      displayOf(log, () => process.off('disconnect', stop)),
    )
    rmSync(order.logPath, { force: true })
    await tell({ say: 'result', result })
    return exitCodeOf(result)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    const { code, retry, message } = error
    // The cluster has ended it, or knows it no more: nobody comes back to read why.
    if (code === 'scheduler/ended') rmSync(order.logPath, { force: true })
    await tell({ say: 'fault', code, retry, message })
    throw error
  } finally {
    dropClaim(owner)
    if (process.connected) process.disconnect()
  }
}

/** Calls `stop` when whoever gave it changes their mind, maybe in the same breath, or dies. */
function orderOf(stop: () => void): Promise<WatcherOrder> {
  process.on('disconnect', stop)
  return new Promise((resolve) => {
    process.once('message', (order: WatcherOrder) => {
      process.on('message', stop)
      resolve(order)
    })
  })
}

/** They were read once before. */
const constraintsOf = ({ constraints }: WatcherOrder) =>
  constraints.map((text) => {
    const constraint = parseConstraint(text)
    if ('code' in constraint) throw wrongUse(constraint.message)
    return constraint
  })

const logOf = ({ options: { instances = 1 }, where }: WatcherOrder, io: Io): HumanDisplay =>
  new HumanDisplay({
    io: boundedErrors(io, STDERR),
    clock: systemClock,
    instances,
    prefixes: false,
    where,
  })

function displayOf(log: HumanDisplay, onPlaced: () => void): Display {
  return {
    opened(frameworkId) {
      log.opened(frameworkId)
      void tell({ say: 'opened', frameworkId })
    },
    changed: (instance) => void tell({ say: 'changed', instance }),
    waiting(why) {
      log.waiting(why)
      void tell({ say: 'waiting', why })
    },
    restarting(failed, delayMs) {
      log.restarting(failed, delayMs)
      void tell({ say: 'restarting', failed, delayMs })
    },
    agentSilent(silent) {
      log.agentSilent(silent)
      void tell({ say: 'silent', silent })
    },
    cluster(state, forMs) {
      log.cluster(state, forMs)
      void tell({ say: 'cluster', state, forMs })
    },
    unheard() {
      log.unheard()
      void tell({ say: 'unheard' })
    },
    placed: () =>
      void systemClock.after(AT_ONCE_MS, () => {
        onPlaced()
        void tell({ say: 'placed' })
      }),
    output: () => undefined,
    outputMissing: () => undefined,
  }
}

/** `fd`: the file, open for appending, that errors go to. One of more than 1 MiB begins anew. */
export function boundedErrors(io: Io, fd: number): Io {
  return {
    ...io,
    printError(line) {
      try {
        if (fstatSync(fd).size > LOG_BYTES_MAX) ftruncateSync(fd)
        writeSync(fd, `${line}\n`)
      } catch {
        // The disk is full, say: the run goes on without a line, for nobody else sees to it.
      }
    },
  }
}

/** Nobody may listen any more. */
function tell(word: WatcherWord): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) resolve()
    else process.send?.(word, undefined, undefined, () => resolve())
  })
}

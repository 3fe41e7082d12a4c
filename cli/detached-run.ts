/**
 * A run that outlives the command that began it. A process of its own, the watcher, is the run's
 * framework from the beginning; the command shows what it tells, and leaves when all is placed.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../bus/make-folder.ts'
import { randomToken } from '../bus/random.ts'
import type { InstanceView, RunResult } from '../frameworks/run/result.ts'
import { ClusterError } from '../protocol/errors.ts'
import { runsFolder } from './dev/runs.ts'
import type { Io } from './io.ts'
import type { RunDisplay } from './run-display.ts'
import { WATCHER_COMMAND, type WatcherOrder, type WatcherWord } from './watcher.ts'

const MAIN = fileURLToPath(new URL('main.js', import.meta.url))

export interface DetachedRun {
  readonly order: Omit<WatcherOrder, 'logPath'>
  readonly io: Io
  readonly display: RunDisplay
  /** Until all is placed: ends the run. */
  readonly signal: AbortSignal
}

/**
 * Begins a run that outlives us. Resolves when all is placed, then with nothing, or when it is
 * over.
 *
 * @throws {ClusterError} what the run throws before that; `run/watcher`.
 */
export async function detachRun({
  order,
  io,
  display,
  signal,
}: DetachedRun): Promise<RunResult | undefined> {
  const folder = runsFolder(order.options, io.env)
  makeFolder(folder)
  const logPath = join(folder, `${randomToken(64)}.txt`)
  const logFd = openSync(logPath, 'ax')
  // A session of its own: neither Ctrl-C nor the end of the terminal is for it.
  const child = spawn(process.execPath, [...process.execArgv, MAIN, WATCHER_COMMAND], {
    detached: true,
    stdio: ['ignore', logFd, logFd, 'ipc'],
    serialization: 'advanced',
    env: io.env,
  })
  closeSync(logFd)
  const all: InstanceView[] = Array.from({ length: order.options.instances ?? 1 }, (_, index) => ({
    index,
    state: 'waiting',
  }))
  // When this comes, nothing that it has said is still on its way.
  const closed = new Promise<undefined>((resolve) => {
    child.once('close', () => resolve(undefined))
  })
  // A word that does not get there is no fault: the end of the process says enough.
  child.on('error', () => undefined)
  const spoken = new Promise<LastWord>((resolve) => {
    child.on('message', (word: WatcherWord) => {
      if (!isLast(word)) show(word, display, all)
      // It was told to stop before it had said so: it will say how that went.
      else if (word.say !== 'placed' || !signal.aborted) resolve(word)
    })
  })
  const stop = (): void => void (child.connected && child.send('stop'))
  signal.addEventListener('abort', stop)
  child.send({ ...order, logPath } satisfies WatcherOrder)
  if (signal.aborted) stop()
  const word = await Promise.race([spoken, closed])
  signal.removeEventListener('abort', stop)
  if (word?.say === 'placed') {
    display.detached(child.pid ?? 0, all)
    child.disconnect()
    child.unref()
    return undefined
  }
  await closed
  if (word?.say === 'result') return word.result
  if (word === undefined)
    throw new ClusterError('run/watcher', 'never', `the process that runs it ended: see ${logPath}`)
  rmSync(logPath, { force: true })
  throw new ClusterError(word.code, word.retry, word.message)
}

type LastWord = Extract<WatcherWord, { readonly say: 'placed' | 'result' | 'fault' }>

const isLast = (word: WatcherWord): word is LastWord =>
  word.say === 'placed' || word.say === 'result' || word.say === 'fault'

function show(
  word: Exclude<WatcherWord, LastWord>,
  display: RunDisplay,
  all: InstanceView[],
): void {
  switch (word.say) {
    case 'opened':
      return display.opened?.(word.frameworkId)
    case 'changed':
      all[word.instance.index] = word.instance
      return display.changed(word.instance, all)
    case 'waiting':
      return display.waiting(word.why)
    case 'restarting':
      return display.restarting?.(word.failed, word.delayMs)
    case 'silent':
      return display.agentSilent?.(word.silent)
    case 'cluster':
      return display.cluster?.(word.state, word.forMs)
    case 'unheard':
      return display.unheard?.()
    default:
      return word satisfies never
  }
}

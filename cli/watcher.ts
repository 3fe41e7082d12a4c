/** What a `bourse run --detach` and the process that it leaves say to each other. */
import type { InstanceView, RunResult } from '../frameworks/run/result.ts'
import type { RunOptions } from '../frameworks/run/run.ts'
import type { SilentAgent } from '../frameworks/run/state.ts'
import type { Retry } from '../protocol/errors.ts'

/** The watcher's command, which no help shows. */
export const WATCHER_COMMAND = 'watch-run'

/**
 * The first thing that a watcher hears. Functions do not travel: constraints do as they were
 * written.
 */
export interface WatcherOrder {
  readonly options: Omit<RunOptions, 'constraints' | 'signal' | 'world' | 'onFault'>
  readonly constraints: readonly string[]
  /** For sentences. */
  readonly where: string
  readonly logPath: string
}

/** What a watcher tells until it is on its own. */
export type WatcherWord =
  | { readonly say: 'opened'; readonly frameworkId: string }
  | { readonly say: 'changed'; readonly instance: InstanceView }
  | { readonly say: 'waiting'; readonly why: string }
  | { readonly say: 'restarting'; readonly failed: InstanceView; readonly delayMs: number }
  | { readonly say: 'silent'; readonly silent: SilentAgent }
  | { readonly say: 'cluster'; readonly state: 'away' | 'back'; readonly forMs: number }
  | { readonly say: 'unheard' }
  /** The last word of a run that goes on. */
  | { readonly say: 'placed' }
  /** The last word of one that is over. */
  | { readonly say: 'result'; readonly result: RunResult }
  | {
      readonly say: 'fault'
      readonly code: string
      readonly retry: Retry
      readonly message: string
    }

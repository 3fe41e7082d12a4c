/** A stream that keeps what is published, for as long as an operator wants it. */
import type { StreamConfig } from '@nats-io/jetstream'
import type { HistoryLimits, HistorySettings } from '../bus.ts'
import { keepStream, type StoreOptions } from './stream.ts'

const SETTINGS = {
  storage: 'file',
  retention: 'limits',
  discard: 'old',
  allow_direct: true,
} as const

const NS_PER_MS = 1e6

export function keepHistory(options: StoreOptions, history: HistorySettings): Promise<void> {
  const { name, pattern, limits, chosen = {} } = history
  return keepStream(options, {
    settings: { ...SETTINGS, name, subjects: [pattern] },
    initial: configOf(limits),
    chosen: configOf(chosen),
  })
}

const configOf = ({ ageMsMax, bytesMax }: Partial<HistoryLimits>): Partial<StreamConfig> => ({
  ...(ageMsMax !== undefined && { max_age: ageMsMax * NS_PER_MS }),
  ...(bytesMax !== undefined && { max_bytes: bytesMax }),
})

/** When a command that runs on is to end. */

/** SIGTERM, Ctrl-C, a terminal that was closed; the death of the `bourse dev` that started it. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'owner-gone'

/**
 * Calls `handle` at each of them, with how often one came: from the second on nobody wants to wait.
 * Gives what puts things as they were.
 */
export function onStopSignal(handle: (signal: StopSignal, count: number) => void): () => void {
  let count = 0
  const come = (signal: StopSignal): void => handle(signal, ++count)
  const listeners = (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map((signal) => {
    const listener = (): void => come(signal)
    process.on(signal, listener)
    return () => void process.off(signal, listener)
  })
  // Whoever starts us with a channel holds its other end as long as it lives.
  const gone = (): void => come('owner-gone')
  process.on('disconnect', gone)
  return () => {
    for (const remove of listeners) remove()
    process.off('disconnect', gone)
  }
}

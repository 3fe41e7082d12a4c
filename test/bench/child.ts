/** Processes of a bench that are not Bourse's: they answer messages of the one that measures. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { systemClock, type Timer } from '../../bus/clock.ts'

const PATIENCE_MS = 600_000
/** Of one that is to end: what it has profiled is written then. */
const CLOSE_MS_MAX = 30_000

export interface Child<Ask, Answer> {
  readonly pid: number
  /** @throws when it ends, or has not answered within `patienceMs`: ten minutes, if not said. */
  ask(ask: Ask, patienceMs?: number): Promise<Answer>
  /** Idempotent, also when it has ended by itself; kills it when it does not end. */
  close(): Promise<void>
}

/** What still runs when the bench ends, however it does, is ended with it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts the module `file` of this folder; resolves when it is ready. */
export async function startChild<Ask extends object, Answer>(
  file: string,
  start: object,
  execArgv: readonly string[] = [],
): Promise<Child<Ask, Answer>> {
  const path = fileURLToPath(new URL(file.replace(/\.ts$/, '.js'), import.meta.url))
  const child = fork(path, [JSON.stringify(start)], { execArgv: [...execArgv] })
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', (code, signal) => reject(new Error(`${file} ended: ${code ?? signal}`))),
  )
  ended.catch(() => undefined)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  running.add(child)
  child.once('exit', () => running.delete(child))
  const next = (): Promise<Answer> =>
    Promise.race([
      new Promise<Answer>((resolve) =>
        child.once('message', (answer) => resolve(answer as Answer)),
      ),
      ended,
    ])
  await next()
  return {
    pid: child.pid as number,
    async ask(ask, patienceMs = PATIENCE_MS) {
      const answer = next()
      // That it could not be said is told by its end.
      child.send(ask, () => undefined)
      let timer: Timer | undefined
      const tooLate = new Promise<never>((_, reject) => {
        const late = new Error(`${file} has not answered within ${patienceMs} ms`)
        timer = systemClock.after(patienceMs, () => reject(late))
      })
      return await Promise.race([answer, tooLate]).finally(() => timer?.cancel())
    },
    async close() {
      if (child.connected) child.disconnect()
      const timer = systemClock.after(CLOSE_MS_MAX, () => child.kill('SIGKILL'))
      await gone
      timer.cancel()
    },
  }
}

/** In such a process: says that it is ready, then answers one message after the other. */
export function serveParent<Ask, Answer>(
  answer: (ask: Ask) => Promise<Answer>,
  close: () => Promise<void>,
): void {
  process.on('message', (ask) => {
    void answer(ask as Ask).then((said) => process.send?.(said as object))
  })
  process.once('disconnect', () => void close().then(() => process.exit(0)))
  process.send?.({ ready: true })
}

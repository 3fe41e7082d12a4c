/** Whether a store answers, for who has none open and no need of its client. */
import type { Bus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { bucketQuestions } from './store-rights.ts'

/** "JetStream system temporarily unavailable": no majority of those who hold it. */
export const NO_MAJORITY = 10_008

export type StoreHealth = 'answers' | 'silent' | 'no-majority'

/** Asks the store of a bucket, once. Where nothing was ever stored, the servers answer, too. */
export function healthOfBucket(
  bus: Bus,
  bucket: string,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<StoreHealth> {
  const reply = `${bus.inbox}.store`
  return new Promise((resolve) => {
    const timer = clock.after(timeoutMs, () => tell('silent'))
    const answers = bus.subscribe(reply, ({ payload }) =>
      tell(saysNoMajority(payload) ? 'no-majority' : 'answers'),
    )
    const tell = (health: StoreHealth): void => {
      timer.cancel()
      answers.close()
      resolve(health)
    }
    bus.publish(bucketQuestions(bucket), ANY_LAST, { reply })
  })
}

const ANY_LAST = new TextEncoder().encode(JSON.stringify({ seq: 1 }))

function saysNoMajority(payload: Uint8Array): boolean {
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(payload))
    return (answer as { error?: { err_code?: unknown } } | null)?.error?.err_code === NO_MAJORITY
  } catch {
    // Without an answer of its own, such as where JetStream is off.
    return false
  }
}

import test from 'ava'
import type { LogEntry } from '../../../../actors/kit/logger.ts'
import { logRefusals } from '../../../../actors/kit/refusals.ts'
import { SimulatedClock } from '../../../../bus/simulated/clock.ts'
import { type RefusalName, refusal } from '../../../../protocol/errors.ts'
import type { FrameworkId, Principal } from '../../../../protocol/ids.ts'
import { frameworkCall } from '../../../../protocol/subjects.ts'

function logOf(clock: SimulatedClock) {
  const log: LogEntry[] = []
  const onRefused = logRefusals(clock, (entry) => void log.push(entry))
  const refuse = (name: RefusalName, subject = 's'): void =>
    onRefused(subject, refusal(name, 'because'), { subject, payload: new Uint8Array() })
  return { log, refuse }
}

const subjectOf = (principal: string): string =>
  frameworkCall.to({
    cluster: 'c',
    principal: principal as Principal,
    frameworkId: 'f' as FrameworkId,
    verb: 'pong',
  })

test('of a flood of bad messages one a second is logged, with their number, and none is lost', async (t) => {
  const clock = new SimulatedClock()
  const { log, refuse } = logOf(clock)
  for (let i = 0; i < 10_000; i++) refuse('malformed')
  await clock.runUntil(5_000)
  refuse('malformed')
  t.deepEqual(
    log.map(({ fields }) => fields),
    [
      { subject: 's', refusal: 'malformed' },
      { subject: 's', refusal: 'malformed', 'refused.malformed': 9_999 },
      { subject: 's', refusal: 'malformed' },
    ],
  )
})

test('the first of each name and principal is logged at once, as long as they are few', async (t) => {
  const clock = new SimulatedClock()
  const { log, refuse } = logOf(clock)
  refuse('malformed', subjectOf('p'))
  refuse('invalid', subjectOf('p'))
  refuse('invalid', subjectOf('q'))
  refuse('invalid', subjectOf('q'))
  t.is(log.length, 3)
  for (let i = 0; i < 10_000; i++) refuse('invalid', subjectOf(`p${i}`))
  t.true(log.length < 100)
})

test('a subject is logged no longer than it need be', (t) => {
  const { log, refuse } = logOf(new SimulatedClock())
  refuse('invalid', 'x'.repeat(4_000))
  t.is(String(log[0]?.fields?.['subject']).length, 256)
})

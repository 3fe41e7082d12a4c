/** What a polite framework gets among those that are not, on a whole simulated cluster. */
import test from 'ava'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, cpusMem, type WireFramework } from '../support/wire-framework.ts'

const RUDE = 50
const AGENTS = 4
const ROUNDS = 20
const WHOLE = { cpus: 2, mem: 1024 }

interface Manner {
  readonly onOffer: (framework: WireFramework, offer: Offer) => void
  readonly onRescind?: (framework: WireFramework) => void
}

const declines: Manner['onOffer'] = (framework, { offerId }) => {
  framework.forget([offerId])
  framework.say('decline', { offers: [offerId], refuseMs: 0 })
}
const holds: Manner['onOffer'] = () => undefined

const MANNERS: Readonly<Record<string, Manner>> = {
  'that decline everything at once': { onOffer: declines },
  'that hold whatever they are offered': { onOffer: holds },
  'that decline and revive at once': {
    onOffer(framework, offer) {
      declines(framework, offer)
      framework.say('revive', {})
    },
  },
  'that hold, and revive when it is taken back': {
    onOffer: holds,
    onRescind: (framework) => framework.say('revive', {}),
  },
}
/** The first of them has the first, and so on. */
const mannersOf = (title: string): readonly Manner[] => {
  const manner = MANNERS[title]
  return manner === undefined ? Object.values(MANNERS) : [manner]
}

for (const title of [...Object.keys(MANNERS), 'of all these kinds']) {
  test(`among ${RUDE} neighbours ${title} the polite one gets the next offers of what is freed`, async (t) => {
    const resources = cpusMem(WHOLE.cpus, WHOLE.mem)
    const scenario = await Scenario.open({ count: AGENTS, resources })
    /** Whose offers they were, by agent, in the order in which they were made. */
    const made: { readonly number: number; readonly agentId: string; readonly to: string }[] = []
    const note = (framework: WireFramework, { offerId, agentId }: Offer): void => {
      const number = Number(offerId.split('-').at(-1))
      made.push({ number, agentId, to: framework.ids.frameworkId })
    }
    const manners = mannersOf(title)
    for (let i = 0; i < RUDE; i++) {
      const rude = await scenario.framework(`rude-${i}`)
      const { onOffer, onRescind } = manners[i % manners.length] ?? { onOffer: holds }
      const answer = (offer: Offer): void => {
        note(rude, offer)
        onOffer(rude, offer)
      }
      rude.onOffer = answer
      rude.onRescind = () => onRescind?.(rude)
      for (const offer of rude.offers.slice()) answer(offer)
    }
    const polite = await scenario.framework('polite')
    polite.onOffer = (offer) => note(polite, offer)
    const running = new Map<string, string>()
    const place = async (): Promise<void> => {
      for (const offer of polite.offers.slice()) {
        note(polite, offer)
        const taskId = `t${offer.offerId.split('-').at(-1)}`
        await polite.accept([aRun(taskId, WHOLE)], { offers: [offer] })
        running.set(offer.agentId, taskId)
      }
    }
    for (let tries = 0; running.size < AGENTS; tries++) {
      t.true(tries < 10_000, 'it never gets what it wants')
      await scenario.pass()
      await place()
    }
    let overtaken = 0
    for (let round = 0; round < ROUNDS; round++) {
      const [agentId = '', taskId = ''] = [...running][round % AGENTS] ?? []
      const before = Math.max(...made.map(({ number }) => number))
      await polite.call('kill', { taskId: aRun(taskId).taskId })
      while (polite.offers.length === 0) await scenario.pass(10)
      const own = Number(polite.offers[0]?.offerId.split('-').at(-1))
      overtaken += made.filter(
        (one) => one.agentId === agentId && one.number > before && one.number < own,
      ).length
      await place()
      await scenario.pass()
    }
    t.log(`${overtaken} offers to others first, in ${ROUNDS} rounds`)
    t.is(overtaken, 0)
  })
}

test('who declined once is asked again before long, though neighbours with less decline everything', async (t) => {
  const resources = cpusMem(WHOLE.cpus, WHOLE.mem)
  const scenario = await Scenario.open({ count: 2, resources })
  for (let i = 0; i < RUDE; i++) {
    const rude = await scenario.framework(`rude-${i}`)
    rude.onOffer = (offer) => declines(rude, offer)
    for (const offer of rude.offers.slice()) declines(rude, offer)
  }
  const polite = await scenario.framework('polite')
  while (polite.offers.length < 2) await scenario.pass()
  const [first, second] = polite.offers
  await polite.accept([aRun('t1', WHOLE)], { offers: first ? [first] : [] })
  await polite.decline(0, second ? [second] : [])
  for (let tries = 0; polite.offers.length === 0; tries++) {
    t.true(tries < 600, 'it is not asked for a minute')
    await scenario.pass()
  }
})

test('who declined once is asked again before long, though another takes all that there is', async (t) => {
  const resources = cpusMem(WHOLE.cpus, WHOLE.mem)
  const scenario = await Scenario.open({ count: 2, resources })
  const hungry = await scenario.framework('hungry')
  let count = 0
  const eat = (offer: Offer): void => {
    count += 1
    const tasks = [aRun(`t${count}`, WHOLE, { PRETEND_MS: '400' })]
    hungry.forget([offer.offerId])
    hungry.say('accept', { offers: [offer.offerId], operations: [{ kind: 'launch', tasks }] })
  }
  hungry.onOffer = eat
  for (const offer of hungry.offers.slice()) eat(offer)
  const waiting = await scenario.framework('waiting')
  while (waiting.offers.length === 0) await scenario.pass()
  await waiting.decline()
  for (let tries = 0; waiting.offers.length === 0; tries++) {
    t.true(tries < 600, 'it is not asked for a minute')
    await scenario.pass()
  }
})

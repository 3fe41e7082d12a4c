/** What a polite framework gets among those that are not, on a whole simulated cluster. */
import test from 'ava'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, cpusMem, type WireFramework } from '../support/wire-framework.ts'

const RUDE = 50
const AGENTS = 4
const ROUNDS = 20
const WHOLE = { cpus: 2, mem: 1024 }

type Manner = (framework: WireFramework, offer: Offer) => void

const declines: Manner = (framework, { offerId }) => {
  framework.forget([offerId])
  framework.say('decline', { offers: [offerId], refuseMs: 0 })
}

const MANNERS: Readonly<Record<string, Manner>> = {
  'that decline everything at once': declines,
  'that hold whatever they are offered': () => undefined,
  'that decline and revive at once': (framework, offer) => {
    declines(framework, offer)
    framework.say('revive', {})
  },
}
const mixed: Manner = (framework, offer) => {
  const manners = Object.values(MANNERS)
  const number = Number(framework.ids.frameworkId.split('-')[1])
  manners[number % manners.length]?.(framework, offer)
}

for (const [title, manner] of Object.entries({ ...MANNERS, 'of all these kinds': mixed })) {
  test(`among ${RUDE} neighbours ${title} the polite one gets the next offers of what is freed`, async (t) => {
    const resources = cpusMem(WHOLE.cpus, WHOLE.mem)
    const scenario = await Scenario.open({ count: AGENTS, resources })
    /** Whose offers they were, by agent, in the order in which they were made. */
    const made: { readonly number: number; readonly agentId: string; readonly to: string }[] = []
    const note = (framework: WireFramework, { offerId, agentId }: Offer): void => {
      const number = Number(offerId.split('-').at(-1))
      made.push({ number, agentId, to: framework.ids.frameworkId })
    }
    for (let i = 0; i < RUDE; i++) {
      const rude = await scenario.framework(`rude-${i}`)
      const answer = (offer: Offer): void => {
        note(rude, offer)
        manner(rude, offer)
      }
      rude.onOffer = answer
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

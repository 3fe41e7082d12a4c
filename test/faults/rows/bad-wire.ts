/** Rows on a network that delays, drops or repeats whole messages between all actors and NATS. */
import { sleep } from '../../../bus/clock.ts'
import type { LabCluster, Proxy, ProxySettings } from '../../lab/contract.ts'
import type { Row } from '../row.ts'
import { inTime, openScene, stopwatch } from '../scene.ts'

/** For so long the network is bad, and then until all tasks that were launched in it have ended. */
const BAD_MS = 12_000

export function badWire(settings: ProxySettings, row: Omit<Row, 'run' | 'withinMs'>): Row {
  return {
    ...row,
    withinMs: 10_000,
    async run(stage) {
      const { lab, probe, finish } = await openScene(stage, { proxied: true })
      for (const link of linksOf(lab)) link.set(settings)
      const under = await lab.framework({
        name: 'under',
        tasks: 40,
        atOnce: 8,
        runMs: [100, 1_000],
      })
      await sleep(BAD_MS)
      const since = stopwatch()
      const links = linksOf(lab)
      const counts = countsOf(links)
      for (const link of links) link.heal()
      await inTime(probe.ran(), 'a task on a good network')
      const recoveryMs = since()
      await inTime(under.ended, 'the end of what was launched on the bad network')
      return await finish({
        recoveryMs,
        note: `${counts}; a new task had ended ${recoveryMs} ms after`,
      })
    },
  }
}

function linksOf({ masters, agents, allocators, frameworks }: LabCluster): readonly Proxy[] {
  return [...masters, ...agents, ...allocators, ...frameworks].flatMap(({ link }) => link ?? [])
}

function countsOf(links: readonly Proxy[]): string {
  const sum = (of: 'passed' | 'dropped' | 'repeated'): number =>
    links.reduce((all, { counts }) => all + counts[of], 0)
  return `of ${sum('passed')} messages ${sum('dropped')} were dropped, ${sum('repeated')} repeated`
}

/** `bourse shadow`: what shadow allocators say that they would have done. */

import { sleep, systemClock } from '../../bus/clock.ts'
import { decode } from '../../bus/codec.ts'
import { watchForbidden } from '../../bus/nats/forbidden.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { check } from '../../protocol/check.ts'
import { SHADOW_REPORT_MS } from '../../protocol/limits.ts'
import type { ShadowReport } from '../../protocol/schema/shadow.ts'
import { inboxOf, shadowReports } from '../../protocol/subjects.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findCluster, principalOf } from '../find-cluster.ts'
import { type Io, jsonLine } from '../io.ts'
import type { CommandOptions, Invocation } from '../options.ts'
import { differenceLines, newDifferences, shadowLines } from '../shadow-lines.ts'
import { awaitStop } from '../stop-signals.ts'

export interface ShadowOptions extends CommandOptions {
  readonly follow?: boolean
}

/** Each says something every SHADOW_REPORT_MS. */
const WAIT_MS = 2 * SHADOW_REPORT_MS
const NONE =
  'no shadow speaks: start one with `bourse allocator --shadow --policy priority`, or another policy'

export async function shadow({ options, io }: Invocation<ShadowOptions>): Promise<ExitCode> {
  const { location, cluster } = findCluster(options, io.env)
  const principal = principalOf(options, io.env)
  const { forbidden, onFault } = watchForbidden()
  const inbox = location.inboxPrefix ?? inboxOf(cluster, 'operator', principal)
  const system = natsSystem({ location, onFault })
  const bus = await system.connect({ name: `${cluster} operator ${principal}`, inbox })
  const latest = new Map<string, ShadowReport>()
  let hear = (_shadowId: string, _report: ShadowReport, _before?: ShadowReport): void => {}
  bus.subscribe(shadowReports.on({ cluster }), ({ subject, payload }) => {
    const shadowId = shadowReports.parse(subject)?.shadowId
    const decoded = decode(payload)
    const checked = decoded.ok ? check('ShadowReport', decoded.value) : decoded
    if (shadowId === undefined || !checked.ok) return
    const report = checked.value as ShadowReport
    hear(shadowId, report, latest.get(shadowId))
    latest.set(shadowId, report)
  })
  try {
    if (options.follow) hear = follower(options, io)
    const stop = options.follow ? awaitStop().came : sleep(WAIT_MS)
    await Promise.race([stop, forbidden])
    if (!options.follow) printAll(latest, { options, io })
    return EXIT.done
  } finally {
    void bus.close()
  }
}

function printAll(
  latest: ReadonlyMap<string, ShadowReport>,
  { options, io }: Invocation<ShadowOptions>,
): void {
  const all = [...latest].map(([shadowId, report]) => ({ shadowId, ...report }))
  if (options.json) return io.print(jsonLine(all))
  if (all.length === 0) return io.printError(`bourse: ${NONE}`)
  const { wallMs } = systemClock.now()
  for (const [i, report] of all.entries()) {
    if (i > 0) io.print('')
    for (const line of shadowLines(report, wallMs, io.columns)) io.print(line)
  }
}

/** The whole of what each says first, then what is new. */
const follower =
  ({ json }: ShadowOptions, io: Io) =>
  (shadowId: string, report: ShadowReport, before: ShadowReport | undefined): void => {
    if (json) return io.print(jsonLine({ shadowId, ...report }))
    const { wallMs } = systemClock.now()
    const lines =
      before === undefined
        ? shadowLines({ shadowId, ...report }, wallMs, io.columns)
        : differenceLines(newDifferences(before, report), io.columns)
    for (const line of lines) io.print(line)
  }

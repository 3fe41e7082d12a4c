/** Two of `bourse dev` in one cluster would have masters and agents of the same names. */
import { systemClock } from '../../bus/clock.ts'
import { openMessenger } from '../../bus/messenger.ts'
import { isOpenLocation } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { randomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { LEADER_BEAT_MS } from '../../protocol/limits.ts'
import { inboxOf, leaderBeat } from '../../protocol/subjects.ts'
import { clusterAt, LOCAL_PRINCIPAL } from '../find-cluster.ts'

/** A leader has said so within this. */
const HEARD_MS = 1.5 * LEADER_BEAT_MS

/**
 * Listens whether somebody leads that cluster.
 *
 * @throws {ClusterError} `cli/configuration` (later): somebody does; what `connect` throws.
 */
export async function requireNoLeader(cluster: string, url: string): Promise<void> {
  const location = clusterAt(url)
  const inbox = inboxOf(cluster, 'operator', LOCAL_PRINCIPAL)
  const bus = await natsSystem({ location }).connect({ name: `${cluster} dev`, inbox })
  const messenger = openMessenger({
    bus,
    clock: systemClock,
    randomToken,
    isOpen: isOpenLocation(location),
    onRefused: () => undefined,
  })
  try {
    const leader = await new Promise<string | undefined>((resolve) => {
      messenger.listen(leaderBeat, { cluster }, ({ master }) => resolve(master))
      systemClock.after(HEARD_MS, () => resolve(undefined))
    })
    if (leader !== undefined) throw ledAlready(`cluster ${cluster} at ${url}`, leader)
  } finally {
    await bus.close()
  }
}

const ledAlready = (which: string, leader: string): ClusterError =>
  new ClusterError(
    'cli/configuration',
    'later',
    `${which} is led by ${leader} already: start agents there with \`bourse agent\`, or a cluster of its own with --cluster NAME`,
  )

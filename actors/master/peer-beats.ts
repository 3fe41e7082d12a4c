/** What masters say to each other. */
import type { Turn } from './turn.ts'

/** I am here; a probe asks the leader whether it is, too. */
export function sendBeat(turn: Turn, isProbe: boolean): void {
  const { state } = turn
  const epoch = Math.max(state.lease.record?.epoch ?? 0, state.highestEpoch)
  turn.effects.push({
    do: 'send-peer-beat',
    body: {
      run: state.run,
      role: state.leader === undefined ? 'follower' : 'leader',
      highest: { epoch, run: state.lease.record?.holder ?? state.run },
      ...(isProbe && { probe: true }),
    },
  })
}

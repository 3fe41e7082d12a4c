/** A program that makes one check over the network, where it runs, and says in JSON what it saw. */
import type { CheckSeen } from '../containerizer/containerizer.ts'
import type { NetworkProbe } from './entered.ts'
import { askHttp, askTcp } from './network.ts'

const probe = JSON.parse(process.argv[2] ?? '') as NetworkProbe
let isTold = false

function tell(seen: CheckSeen): void {
  if (isTold) return
  isTold = true
  process.stdout.write(`${JSON.stringify(seen)}\n`)
}

if ('http' in probe) askHttp(probe.http, tell)
else askTcp(probe.tcp, tell)

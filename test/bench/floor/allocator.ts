/** The floor's allocator: whatever is free is the one framework's. */
import type { Message } from '../../../protocol/schema/messages.ts'
import { allocatorFigures, allocatorReports } from '../../../protocol/subjects.ts'
import { serveParent } from '../child.ts'
import { CLUSTER, FRAMEWORK, newSession, PRINCIPAL, ROLE } from './bodies.ts'
import { Turn, Wire } from './wire.ts'

const { nats } = JSON.parse(process.argv[2] ?? '{}') as { readonly nats: string }
const wire = await Wire.open(nats, 'allocator', `_INBOX.${CLUSTER}.allocator`)
const session = newSession()
let said = 0
let allocation = 0

const allocated = new Turn((subject, allocations: readonly unknown[]) =>
  wire.send(subject, {
    session,
    n: ++said,
    heard: said,
    reports: [{ kind: 'allocate', allocations }],
  }),
)
const subject = allocatorReports.to({ cluster: CLUSTER })

wire.hear<Message<'AllocatorFigures'>>(allocatorFigures.on({ cluster: CLUSTER }), ({ figures }) => {
  for (const figure of figures) {
    if (figure.kind !== 'agent') continue
    const { agentId, version: agentVersion, free: resources } = figure
    const framework = { principal: PRINCIPAL, frameworkId: FRAMEWORK, role: ROLE }
    allocated.add(subject, {
      allocation: ++allocation,
      agentId,
      agentVersion,
      ...framework,
      resources,
    })
  }
})

serveParent(
  () => wire.flush().then(() => ({})),
  () => wire.close(),
)

/** What an agent has reserved for a role is no matter of that role's quota. */
import test from 'ava'
import type { ResourceList } from '../../../../protocol/schema/common.ts'
import { DrivenAllocator } from '../../../support/driven-allocator.ts'
import { aStage } from '../../../support/master-actors.ts'
import { figuresOf } from '../../../support/master-builders.ts'

const SEED = '000102030405060708090a0b0c0d0e0f'
const ABOUT_SESSIONS = new Set(['opened', 'closed', 'complete'])

/** As with `bourse agent --resources 'cpus:8;mem:4096;cpus(team):4'`. */
const reserving = (free: number, reserved: number): ResourceList => [
  { name: 'cpus', scalar: free },
  { name: 'mem', scalar: 4096 },
  { name: 'cpus', scalar: reserved, role: 'team' },
]

for (const [free, reserved, limit] of [
  [8, 4, 10],
  [2, 2, 1],
  [0.5, 4, 2],
] as const) {
  test(`${reserved} reserved cpus beside ${free} are offered to a role with a limit of ${limit}`, (t) => {
    const resources = reserving(free, reserved)
    const info = { hostname: 'host', resources, resourcesVersion: 3, attributes: [] }
    const stage = aStage({ info })
    stage.framework.subscribe({ roles: ['team'] })
    const quotas = [{ role: 'team', limit: { cpus: limit } }]
    stage.master.operate({ verb: 'set-quotas', body: { quotas } })
    const told = figuresOf(stage.allocator.open())
    const allocator = new DrivenAllocator(SEED)
    allocator.open(told.filter(({ kind }) => !ABOUT_SESSIONS.has(kind)))
    const allocations = allocator.turn()
    const answers = figuresOf(
      stage.allocator.say({ kind: 'allocate', allocations: [...allocations] }),
    ).flatMap((figure) => (figure.kind === 'answered' ? figure.answers : []))
    t.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['made'],
    )
  })
}

test('no guarantee is covered by what an agent has reserved, and whoever sets it is told so', (t) => {
  const info = { hostname: 'host', resources: reserving(4, 8), resourcesVersion: 3, attributes: [] }
  const { master } = aStage({ info })
  const quotas = [{ role: 'team', guarantee: { cpus: 5 } }]
  t.like(master.operate({ verb: 'set-quotas', body: { quotas } }), {
    refused: {
      message:
        'guarantees of all roles would come to cpus 5, and all agents together have cpus 4 unreserved; force sets them all the same',
    },
  })
})

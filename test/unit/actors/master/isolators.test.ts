/** What a task asks of its agent by name, and what the agent says of itself. */
import test from 'ava'
import { lackingIsolator } from '../../../../actors/master/offers/isolators.ts'
import { aRegister, aStage, aTask } from '../../../support/master-actors.ts'
import { statusesOf } from '../../../support/master-builders.ts'

test('what an agent says it cannot give is not asked of it', (t) => {
  const isolators = { name: 'isolators', text: 'pids,rlimits,pid-namespace' }
  const { master, allocator, framework } = aStage({
    info: { ...aRegister().info, attributes: [isolators] },
  })
  allocator.offer()
  const from = master.effects.length
  const offerId = framework.offers.at(-1) ?? ''
  framework.accept(
    [offerId],
    aTask('can', { rlimits: [{ type: 'core' }], linux: { namespaces: ['pid'] } }),
    aTask('cannot', { linux: { namespaces: ['pid', 'network'] } }),
  )
  t.like(statusesOf(master.effects.slice(from)), [
    {
      taskId: 'cannot',
      reason: 'TASK_INVALID',
      message: 'its agent has no network-namespace among its isolators',
    },
  ])
})

test('each thing that a task asks for is an isolator of its agent', (t) => {
  const lacking = (text: string, more: Parameters<typeof aTask>[1]) =>
    lackingIsolator({ attributes: [{ name: 'isolators', text }] }, aTask('t', more))
  const asks = [
    ['rlimits', { rlimits: [{ type: 'core' as const }] }],
    ['capabilities', { linux: { capabilities: [] } }],
    ['no-new-privileges', { linux: { noNewPrivileges: true } }],
    ['mount-namespace', { linux: { namespaces: ['mount' as const] } }],
  ] as const
  for (const [name, more] of asks) {
    const asked = structuredClone(more) as Parameters<typeof aTask>[1]
    t.is(lacking(name, asked), undefined)
    t.is(lacking('memory', asked), `its agent has no ${name} among its isolators`)
    const unsaid = lackingIsolator({ attributes: [] }, aTask('t', asked))
    t.is(unsaid, `its agent has no ${name} among its isolators`, 'it does not say')
  }
  t.is(lacking('memory', {}), undefined)
  t.is(lackingIsolator(undefined, aTask('t')), undefined)
})

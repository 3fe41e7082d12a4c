/** What is written together takes effect one after the other. */
import test from 'ava'
import { aStage, FakeAgent } from '../../../support/master-actors.ts'

test('an update of a session that is over by then does not change what the next one subscribed with', (t) => {
  const { master, framework } = aStage()
  framework.subscribe({ roles: ['a'] })
  master.holding.add('registry')
  // Something else is on its way, so that what follows is written together.
  const other = new FakeAgent(master, 'a2')
  other.open()
  framework.call('update', { name: 'one' })
  framework.call('update', { roles: ['a', 'b'], failoverMs: 1_000 })
  framework.subscribe({ roles: ['c'], name: 'new', failoverMs: 600_000 })
  master.release('done')
  const { name, failoverMs, roles } = master.framework()
  t.is(name, 'new')
  t.is(failoverMs, 600_000)
  t.deepEqual(
    [...roles].filter(([, { isLeft }]) => !isLeft).map(([role]) => role),
    ['c'],
  )
  const fact = master.state.registry.copy.table.frameworks.get('local.f1')
  t.like(fact, { kind: 'framework', name: 'new', failoverMs: 600_000 })
})

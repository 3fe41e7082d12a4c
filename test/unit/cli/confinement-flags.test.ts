/** What a task may do and see, as people write it. */
import test from 'ava'
import { joined } from '../../../cli/arguments.ts'
import { capabilities, confinementOf, privates, ulimit } from '../../../cli/confinement-flags.ts'

test('a limit is one number, two, or none', (t) => {
  t.deepEqual(ulimit('nofile=1024'), { type: 'nofile', soft: 1024, hard: 1024 })
  t.deepEqual(ulimit('nofile=1024:4096'), { type: 'nofile', soft: 1024, hard: 4096 })
  t.deepEqual(ulimit('core=unlimited'), { type: 'core' })
})

test('capabilities have their names with CAP_ or without', (t) => {
  t.deepEqual(capabilities('CAP_KILL,net_bind_service,kill'), ['kill', 'net_bind_service', 'kill'])
  const twice = joined(capabilities)
  t.deepEqual(twice('kill,chown', twice('kill')), ['kill', 'chown'])
  t.deepEqual(capabilities('none'), [])
})

test('what nobody asks for does not stand in the task', (t) => {
  t.deepEqual(confinementOf({ newPrivileges: true }), {})
  t.deepEqual(confinementOf({ newPrivileges: false, private: privates('network,pid') }), {
    linux: { noNewPrivileges: true, namespaces: ['network', 'pid'] },
  })
})

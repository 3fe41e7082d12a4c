import test from 'ava'
import { findCluster } from '../../../cli/find-cluster.ts'

test("a cluster's name is a token", (t) => {
  t.throws(() => findCluster({ cluster: 'a.b' }, {}), { code: 'cli/usage' })
})

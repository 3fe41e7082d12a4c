/** Roles, amounts and weights as people write them. */
import test from 'ava'
import {
  isNoQuota,
  parseRoleWeight,
  parseSumsFlag,
  quotaProblem,
  quotaText,
  sumsFlag,
} from '../../../cli/roles/flags.ts'
import { QUANTITIES_MAX } from '../../../protocol/limits.ts'

test('amounts are read as they are printed, and with commas', (t) => {
  const sums = { cpus: 4.5, mem: 4096 }
  t.deepEqual(parseSumsFlag('cpus:4.5;mem:4096'), sums)
  t.deepEqual(parseSumsFlag(' cpus:4.5, mem:4096,'), sums)
  t.deepEqual(parseSumsFlag(sumsFlag(sums)), sums)
  t.deepEqual(parseSumsFlag('cpus:0'), { cpus: 0 })
})

test('more than all machines of the world have is no amount', (t) => {
  t.like(parseSumsFlag('mem:9999999999999'), { name: 'invalid' })
  t.like(parseSumsFlag('mem:NaN'), { name: 'invalid' })
  t.like(parseSumsFlag(''), { name: 'invalid' })
})

test('an amount stands once, and there are not too many of them', (t) => {
  t.like(parseSumsFlag('cpus:1;cpus:2'), { message: 'cpus stands there twice' })
  const many = (count: number) =>
    parseSumsFlag(Array.from({ length: count }, (_, i) => `a${i}:1`).join(';'))
  t.is(Object.keys(many(QUANTITIES_MAX)).length, QUANTITIES_MAX)
  t.like(many(QUANTITIES_MAX + 1), { message: `more than ${QUANTITIES_MAX} amounts` })
})

test('a weight stands behind the only =, and what is wrong names the pair', (t) => {
  t.deepEqual(parseRoleWeight('prod/batch=0.5'), { role: 'prod/batch', weight: 0.5 })
  t.deepEqual(parseRoleWeight('prod=1000000'), { role: 'prod', weight: 1_000_000 })
  for (const text of [
    'prod',
    'a=b=2',
    'prod=',
    'prod=-1',
    'prod=1e3',
    'prod=1000001',
    '-x=1',
    '=1',
  ]) {
    const refused = parseRoleWeight(text)
    t.true('message' in refused && refused.message.startsWith(`"${text}"`), text)
  }
})

test('what of a quota is wrong whatever the cluster has is said in the words of its author', (t) => {
  t.is(quotaProblem({ role: 'prod', guarantee: { cpus: 1 }, limit: { cpus: 1 } }), undefined)
  t.is(quotaProblem({ role: 'prod', guarantee: { cpus: 1 }, limit: { mem: 1 } }), undefined)
  t.regex(quotaProblem({ role: 'batch/x' }) ?? '', /^batch\/x is below batch, and only roles at /)
  t.is(
    quotaProblem({ role: 'prod', guarantee: { cpus: 2 }, limit: { cpus: 1 } }),
    'prod would be guaranteed cpus:2, and its limit be cpus:1',
  )
})

test('a guarantee of nothing is none, a limit of nothing is one', (t) => {
  t.is(quotaText({ guarantee: { cpus: 0 } }), 'nothing guaranteed, no limit')
  t.is(quotaText({ limit: { cpus: 0 } }), 'nothing guaranteed, limit cpus:0')
  t.true(isNoQuota({ guarantee: { cpus: 0 }, limit: {} }))
  t.false(isNoQuota({ limit: { cpus: 0 } }))
})

test('what of a quota is not there is said', (t) => {
  t.is(quotaText({}), 'nothing guaranteed, no limit')
  t.is(
    quotaText({ guarantee: { cpus: 1 }, limit: { cpus: 2, mem: 64 } }),
    'guaranteed cpus:1, limit cpus:2;mem:64',
  )
})

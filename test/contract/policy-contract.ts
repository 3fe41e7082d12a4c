/** What every policy must keep. Each is run through this file; none has its own version of it. */
import type { TestFn } from 'ava'
import { POLICY_PROMISES } from '../../actors/allocator/policies/contract.ts'
import type { Policy } from '../../actors/allocator/policy.ts'

export function policyContract(
  test: TestFn,
  name: string,
  load: () => Policy | Promise<Policy>,
): void {
  for (const { title, broken } of POLICY_PROMISES)
    test(`${name}: ${title}`, async (t) => {
      t.is(broken(await load()), undefined)
    })
}

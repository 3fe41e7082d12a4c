/** Tasks in a root filesystem of their own, by runc: the same promises as of any other. */
import { rmSync } from 'node:fs'
import test, { type ExecutionContext, type TestFn } from 'ava'
import { needs } from '../support/needs.ts'
import { makeRoot, ociMachine, ociNeed } from '../support/oci-root.ts'
import { containerizerContract } from './containerizer-contract.ts'

const need = await ociNeed()
const root = need.found ? makeRoot() : ''
test.after.always(() => {
  if (need.found) rmSync(root, { recursive: true })
})

const here = ((title: string, run: (t: ExecutionContext) => Promise<void>) => {
  test.serial(title, async (t) => {
    if (needs(t, need)) await run(t)
  })
}) as TestFn

containerizerContract(here, 'root filesystems', () => ociMachine(root))

/** What is peculiar to rights: an agent that has not all of them itself. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TestFn } from 'ava'
import { ownCapabilities } from '../../../agent-runtime/isolator/proc.ts'
import { needs } from '../../support/needs.ts'

const ISOLATOR = new URL('../../../agent-runtime/isolator/capabilities.js', import.meta.url).href

/** Says what an agent says that is asked for two rights. */
const ASK = `
const { capabilitiesIsolator } = await import(${JSON.stringify(ISOLATOR)})
const { works, missing } = await capabilitiesIsolator.open({})
const linux = { capabilities: ['kill', 'sys_time'] }
console.log(works?.problem({ linux }) ?? missing.join())
`

export function rights(test: TestFn): void {
  test('capabilities: what the agent has not itself it leaves to nobody, and says so', async (t) => {
    const found = ownCapabilities().has('setpcap')
    if (!needs(t, { name: 'the right to leave capabilities', found })) return
    const less = '-sys_time'
    const words = [`--bounding-set=${less}`, `--inh-caps=${less}`, process.execPath]
    const argv = [...words, '--input-type=module', '-e', ASK]
    const { stdout } = await promisify(execFile)('setpriv', argv)
    t.is(stdout, 'the agent cannot leave it what it does not have itself: sys_time\n')
  })
}

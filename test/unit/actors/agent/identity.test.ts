import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { agentIdIn } from '../../../../actors/agent/identity.ts'
import { randomToken } from '../../../../bus/random.ts'
import { type AgentId, isToken } from '../../../../protocol/ids.ts'

function aDirectory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bourse-identity-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}
const host = { hostname: 'my.host', randomToken }

test('the first start makes an id of the host name, later ones keep it', (t) => {
  const workDir = aDirectory(t)
  const id = agentIdIn(workDir, host)
  t.regex(id, /^my-host-[0-9a-f]{16}$/)
  t.true(isToken(id))
  t.is(agentIdIn(workDir, { ...host, hostname: 'renamed' }), id)
  t.not(agentIdIn(aDirectory(t), host), id)
})

test('an id that is given is kept, and another one is refused', (t) => {
  const workDir = aDirectory(t)
  const agentId = 'mine' as AgentId
  t.is(agentIdIn(workDir, { ...host, agentId }), agentId)
  t.is(readFileSync(join(workDir, 'agent-id'), 'utf8'), 'mine\n')
  t.is(agentIdIn(workDir, host), agentId)
  const other = { ...host, agentId: 'other' as AgentId }
  t.throws(() => agentIdIn(workDir, other), {
    code: 'agent/other-id',
    message: /belongs to agent mine: start that one, or give other another --work-dir$/,
  })
})

test('what is no id is not taken for one, an empty file for a start that never was', (t) => {
  const workDir = aDirectory(t)
  writeFileSync(join(workDir, 'agent-id'), 'a b\n')
  t.throws(() => agentIdIn(workDir, host), { code: 'agent/bad-id' })
  writeFileSync(join(workDir, 'agent-id'), '')
  t.notThrows(() => agentIdIn(workDir, host))
})

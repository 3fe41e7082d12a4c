/** The end of tasks whose agent does not come back, where a container service is slow to it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { endAlone } from '../../../../actors/agent/leftovers.ts'
import { Notes } from '../../../../agent-runtime/containerizer/docker/notes.ts'
import { type Clock, systemClock } from '../../../../bus/clock.ts'
import { AN_AGENT, aSandbox } from '../../../support/containers.ts'
import { ScriptedService } from '../../../support/scripted-service.ts'

/** Until the next try. */
const MINUTE_MS = 60_000

test('a task whose container service was away at first is ended at the next try', async (t) => {
  let isBack = false
  let status = 'running'
  await using service = await ScriptedService.open(({ path, answer, response }) => {
    if (!isBack) return void response.destroy()
    if (path === '/_ping') return answer(200)
    if (path === '/containers/json') return answer(200, [])
    if (path.endsWith('/events')) return response.writeHead(200).flushHeaders()
    if (path.endsWith('/logs')) return void response.writeHead(200).end()
    if (path.endsWith('/kill')) status = 'exited'
    answer(200, { State: { Status: status, ExitCode: 143 } })
  })
  const workDir = join(service.folder, 'work')
  mkdirSync(workDir)
  writeFileSync(join(workDir, 'agent-id'), `${AN_AGENT}\n`)
  writeFileSync(join(workDir, 'container-service'), `${service.socketPath}\n`)
  const notes = new Notes(join(workDir, 'docker'))
  notes.open('c-1', { sandbox: aSandbox('c-1') })
  notes.add('c-1', 'started')
  // While the service is away nothing is waited for.
  const clock: Clock = {
    ...systemClock,
    after(delayMs, fn) {
      if (delayMs === MINUTE_MS) isBack = true
      return systemClock.after(isBack && delayMs !== MINUTE_MS ? delayMs : 0, fn)
    },
  }
  await endAlone({ workDir, clock, timeoutMs: 900_000, uses: 0 })
  const note = notes.all().get('c-1')
  t.is(typeof note?.state, 'object', 'it has ended')
  t.is(note?.why, 'no agent came back within 900 s')
})

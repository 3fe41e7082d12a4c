/** Which container service an agent takes, and with which it stays. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Notes } from '../../../agent-runtime/containerizer/docker/notes.ts'
import { findService } from '../../../agent-runtime/containerizer/docker/service.ts'
import { aSandbox } from '../../support/containers.ts'
import { ScriptedService } from '../../support/scripted-service.ts'

/** It answers all who ask, with the name `server`. */
const aService = (server: string): Promise<ScriptedService> =>
  ScriptedService.open(({ response }) => void response.writeHead(200, { server }).end())

/** Whoever asks it gets no answer. */
const anAway = (): Promise<ScriptedService> =>
  ScriptedService.open(({ response }) => void response.destroy())

/** A work directory whose agent has found this service and begun a container there. */
function workDirOf({ folder, socketPath }: ScriptedService) {
  const workDir = join(folder, 'work')
  mkdirSync(workDir)
  writeFileSync(join(workDir, 'container-service'), `${socketPath}\n`)
  const notes = new Notes(join(workDir, 'docker'))
  notes.open('c-1', { sandbox: aSandbox('c-1') })
  return { workDir, notes }
}

/** Where `usual` listens at one of the usual places, and before all that this machine has. */
function found(workDir: string, usual: ScriptedService, wanted?: string) {
  const { DOCKER_HOST } = process.env
  process.env['DOCKER_HOST'] = `unix://${usual.socketPath}`
  const finding = findService(workDir, wanted)
  if (DOCKER_HOST === undefined) delete process.env['DOCKER_HOST']
  else process.env['DOCKER_HOST'] = DOCKER_HOST
  return finding
}

test.serial('no other service takes over the containers of one that does not answer', async (t) => {
  await using away = await anAway()
  await using other = await aService('Other')
  const { workDir, notes } = workDirOf(away)
  const { socketPath } = away
  const missing = `no task can run in an image: no container service answers at ${socketPath}, where its containers are`
  t.deepEqual(await found(workDir, other), { socketPath, missing })
  t.deepEqual(await found(workDir, other), { socketPath, missing }, 'nor is it kept')
  notes.remove('c-1')
  t.deepEqual(
    await found(workDir, other),
    { socketPath: other.socketPath, images: 'Other' },
    'without containers the usual ones are asked',
  )
})

test.serial(
  'another service that is wanted has to wait for the end of all containers',
  async (t) => {
    await using before = await aService('Before')
    await using other = await aService('Other')
    const { workDir, notes } = workDirOf(before)
    const { socketPath } = before
    t.deepEqual(await found(workDir, other, `unix://${other.socketPath}`), {
      socketPath,
      missing: `no task can run in an image: the agent still has containers of ${socketPath}: end their tasks, then start it again to use ${other.socketPath}`,
    })
    t.deepEqual(await found(workDir, other, 'none'), {
      socketPath,
      missing: 'no task can run in an image: no container service is wanted',
    })
    notes.remove('c-1')
    t.like(await found(workDir, before, other.socketPath), { images: 'Other' })
  },
)

test.serial('a service goes on under another of its names', async (t) => {
  await using before = await aService('Before')
  const { workDir } = workDirOf(before)
  const name = join(before.folder, 'docker.sock')
  symlinkSync(before.socketPath, name)
  t.like(await found(workDir, before, name), { images: 'Before' })
})

test.serial('a service whose name a full disk has lost is looked for', async (t) => {
  await using before = await aService('Before')
  const { workDir } = workDirOf(before)
  for (const lose of [
    (path: string) => writeFileSync(path, ''),
    (path: string) => rmSync(path, { force: true }),
  ]) {
    lose(join(workDir, 'container-service'))
    t.like(await found(workDir, before), { images: 'Before' })
  }
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../bus/clock.ts'
import type { TaskState } from '../../../protocol/task-state.ts'
import { leftOf, tracesOf } from '../../../tools/left-behind.ts'
import { frameworkArgv, RealFramework } from '../../lab/framework.ts'
import { Actor, openCluster } from '../../support/cluster.ts'
import { buildOld, historyNeed } from '../old-build.ts'
import { openOnlooker } from '../onlooker.ts'
import { openProbe, type Probe } from '../probe.ts'
import type { Row } from '../row.ts'
import { inTime, LOADING, stopwatch } from '../scene.ts'
import type { Stage } from '../stage.ts'
import { type Told, tallyOf, toldOf } from '../tally.ts'

const TASKS = 6
const LOOK_MS = 50
const TASK_SECONDS = 20
const RESOURCES = 'cpus:2;mem:1024;disk:500'

export const rollingUpgrade: Row = {
  number: 35,
  name: 'rolling-upgrade',
  fault: 'a cluster of an earlier build is replaced by this one, an actor at a time, and back',
  expected: 'old and new work together, in each pair',
  invariants: ['I3', 'I5'],
  withinMs: 10_000,
  needs: () => [historyNeed()],
  async run(stage) {
    const old = buildOld(join(stage.folder, 'old'))
    const place = await openPlace(stage, old('cli/main.js'))
    const times: number[] = []
    const actors = await startOld(place)
    const probe = await openProbe({ nats: place.url, folder: place.starts })
    stage.onEnd(() => probe.scheduler.close())
    const steady = await startOldFramework(stage, place, old('test/support/patient-framework.js'))
    const loading = stage.isLoaded ? [await startLoad(stage, place)] : []
    const { env, starts: folder } = place
    const looking = openOnlooker(probe, { agents: ['a1', 'a2'], folder, env })
    const onlooker = await inTime(looking, 'the tasks that are looked at')
    const seen: string[] = []
    const all: Look = async (what, isNew = false) => {
      const since = stopwatch()
      await inTime(both(probe), what)
      times.push(since())
      await inTime(onlooker.look(what, isNew), `a look: ${what}`)
      seen.push(what)
    }
    await replaceAll(place, actors, all)
    await inTime(onlooker.close(), 'the ends of the tasks that were looked at')
    for (const one of loading) await inTime(one.drain(), 'the end of all that was launched')
    const code = await inTime(steady.ended, 'the end of the old framework')
    await probe.close()
    const tally = tallyOf([probe, steady.told, ...loading.map(toldOf)])
    const left = await place.close()
    const { lost, doubled, phantom, launched, ended } = tally
    const odd = Object.keys(ended).filter((state) => !/FINISHED|FAILED/.test(state))
    return {
      recoveryMs: Math.max(...times),
      lost,
      doubled,
      phantom,
      note: `${seen.length} steps, tasks took at most ${Math.max(...times)} ms: ${seen.join('; ')}; ${launched} tasks`,
      problems: [
        ...(code === 0 ? [] : [`the old framework ended with ${code}`]),
        ...onlooker.problems,
        ...probe.problems(),
        ...odd.map((state) => `a task ended as ${state}`),
        ...left.map((line) => `left behind: ${line}`),
      ],
    }
  },
}

/** Each part runs a task, and is looked at. `isNew`: nothing may be refused. */
type Look = (what: string, isNew?: boolean) => Promise<void>

type Actors = Readonly<Record<'m1' | 'allocator' | 'a1' | 'a2', Actor>>

async function startOld({ start }: Place): Promise<Actors> {
  return {
    m1: await start('old', 'master', '--id', 'm1'),
    allocator: await start('old', 'allocator'),
    a1: await start('old', 'agent', '--id', 'a1', '--resources', RESOURCES),
    a2: await start('old', 'agent', '--id', 'a2', '--resources', RESOURCES),
  }
}

/** One after another, with a look after each; the leader also back, and on again. */
async function replaceAll({ start, replace }: Place, old: Actors, look: Look): Promise<void> {
  await look('a new framework with an old leader')
  await replace(old.a1, 'new')
  await look('a new agent with an old leader')
  const m2 = await start('new', 'master', '--id', 'm2')
  await old.m1.end('SIGTERM')
  await inTime(m2.says('leads'), 'the lead of the new master')
  await look('a new leader with an old agent, an old framework and an old allocator')
  const m1 = await replace(old.m1, 'old')
  await m2.end('SIGKILL')
  await inTime(m1.says('leads'), 'the lead of the old master')
  await look('an old leader after a new one')
  await replace(old.allocator, 'new')
  await look('a new allocator with an old leader')
  await replace(m2, 'new')
  await m1.end('SIGTERM')
  await look('all but an agent and a framework new')
  await replace(old.a2, 'new')
  await look('all but a framework new', true)
}

async function both(probe: Probe): Promise<void> {
  await probe.ran('a1')
  await probe.ran('a2')
}

type Build = 'old' | 'new'

interface Place {
  readonly url: string
  readonly env: NodeJS.ProcessEnv
  /** Of the probe. */
  readonly starts: string
  readonly start: (build: Build, ...args: readonly string[]) => Promise<Actor>
  /** Ends it in order, if it runs, and starts the same from that build. */
  readonly replace: (actor: Actor, build: Build) => Promise<Actor>
  /** Resolves with what is left. */
  close(): Promise<readonly string[]>
}

async function openPlace(stage: Stage, oldCommand: string): Promise<Place> {
  const cluster = await openCluster()
  const actors: Actor[] = []
  const folder = join(stage.folder, 'state')
  const starts = join(stage.folder, 'probe')
  for (const path of [folder, starts]) mkdirSync(path)
  const env = { ...cluster.env, BOURSE_STATE_DIR: folder }
  const startArgs = async (build: Build, args: readonly string[]): Promise<Actor> => {
    const actor = new Actor(args, env, (program = '', command = '', ...rest) => [
      program,
      build === 'old' ? oldCommand : command,
      ...rest,
    ])
    actors.push(actor)
    await actor.start()
    return actor
  }
  const close = async (): Promise<readonly string[]> => {
    const traces = tracesOf([folder, cluster.folder, cluster.server.folder])
    for (const actor of actors.splice(0).reverse()) await actor.end()
    await cluster.close()
    return leftOf(traces).filter((line) => line !== `folder ${folder}`)
  }
  stage.onEnd(close)
  return {
    url: cluster.server.url,
    env,
    starts,
    start: (build, ...args) =>
      startArgs(
        build,
        args[0] === 'allocator' ? args : [...args, '--work-dir', join(folder, args[2] ?? '')],
      ),
    async replace(actor, build) {
      await actor.end('SIGTERM')
      return await startArgs(build, actor.args)
    },
    close,
  }
}

/** A framework of this build, which launches tasks on whatever is there. */
async function startLoad(stage: Stage, { env }: Place): Promise<RealFramework> {
  const workDir = join(stage.folder, LOADING.name)
  const framework = new RealFramework(
    {
      name: LOADING.name,
      kind: 'framework',
      argv: frameworkArgv(workDir),
      env,
      workDir,
      logPath: join(stage.folder, `${LOADING.name}.jsonl`),
    },
    LOADING,
  )
  stage.onEnd(() => framework.kill())
  await inTime(framework.start(), 'the framework that loads the cluster')
  return framework
}

interface OldFramework {
  /** With its exit code. */
  readonly ended: Promise<number | null>
  readonly told: Told
}

/** Resolves when all its tasks run. */
async function startOldFramework(
  stage: Stage,
  place: Place,
  program: string,
): Promise<OldFramework> {
  const folder = join(stage.folder, 'steady')
  mkdirSync(folder)
  const child = spawn(process.execPath, [program, folder, String(TASKS), String(TASK_SECONDS)], {
    env: place.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  stage.onEnd(() => child.kill('SIGKILL'))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await inTime(once(child.stdout, 'data'), 'the old framework')
  const told = toldIn(folder)
  const running = (): number =>
    [...told.told().values()].filter((states) => states.includes('TASK_RUNNING')).length
  await inTime(
    until(() => running() === TASKS),
    'the tasks of the old framework',
  )
  return { ended, told }
}

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await sleep(LOOK_MS)
}

const linesOf = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []

function toldIn(folder: string): Told {
  return {
    told() {
      const states = new Map<string, TaskState[]>()
      for (const line of linesOf(join(folder, 'statuses'))) {
        const { taskId, state } = JSON.parse(line) as { taskId: string; state: TaskState }
        states.set(taskId, [...(states.get(taskId) ?? []), state])
      }
      return states
    },
    launched: () => linesOf(join(folder, 'accepted')),
    startsOf: (taskId) => linesOf(join(folder, 'starts', taskId)).length,
  }
}

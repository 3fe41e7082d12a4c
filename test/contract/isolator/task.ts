/**
 * What a task must find that an isolator holds, proved by the task itself on the kernel, whatever a
 * kill reaches: it alone is held, and when it is gone nothing is left of it.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import type {
  ContainerEvent,
  ContainerSpec,
} from '../../../agent-runtime/containerizer/containerizer.ts'
import { GpuPool } from '../../../agent-runtime/isolator/gpu-pool.ts'
import type { IsolatorName } from '../../../agent-runtime/isolator/isolator.ts'
import { systemClock } from '../../../bus/clock.ts'
import { aContainer, fileHolds, processesAreGone, realMachine } from '../../support/containers.ts'
import { type GpuFolder, gpuFolder } from '../../support/isolators.ts'
import { cgroupsLeft, mountsLeft } from '../../support/left-over.ts'
import { needs } from '../../support/needs.ts'
import { checked, type Here, type KillPlace, openedWith, output, running } from './running.ts'
import { type Ends, type IsTold, type Proof, SAMPLES, type Sample, type Sees } from './samples.ts'

const MIB = 1024 * 1024
const NEIGHBOUR = 'c-0'

/**
 * What needs cgroups works where a kill is by cgroups, and not where it is weaker. One at a time: a
 * machine that is open longer is looked at more often.
 */
export function taskContract(test: TestFn, { name, isolation }: KillPlace): void {
  for (const [isolator, sample] of Object.entries(SAMPLES) as [IsolatorName, Sample][]) {
    if (isolation !== undefined && sample.needs === 'cgroups') continue
    test.serial(`${isolator}, ${name}: its task is held, alone, and leaves nothing`, async (t) => {
      using dev = gpuFolder()
      const isDev = sample.needs !== 'gpus' || dev.areDevices
      if (!needs(t, { name: 'the right to make devices', found: isDev })) return
      await using machine = realMachine(isolation, systemClock, {
        ...(isolator === 'ports' && { portsLookMs: 250 }),
        gpus: new GpuPool(sample.needs === 'gpus' ? dev.path : '/nowhere'),
      })
      const here = await openedWith(t, machine, [isolator])
      if (here !== undefined) await holdsEach(t, here, { sample, dev })
    })
  }
}

async function holdsEach(
  t: ExecutionContext,
  here: Here,
  { sample, dev }: { readonly sample: Sample; readonly dev: GpuFolder },
): Promise<void> {
  const { containers, log, machine } = here
  const neighbour = aContainer({ containerId: NEIGHBOUR, output: 'here' })
  containers.launch(neighbour)
  await machine.written(neighbour)
  for (const [index, proof] of sample.proofs.entries()) {
    const id = `c-${index + 1}`
    const asks = proof.asks ?? sample.asks
    const spec = running(shellOf(proof), { ...asks, env: { GPUS: dev.path } }, id)
    containers.launch(spec)
    await log.until('started', id)
    if ('sees' in proof) await seesItself(t, { here, spec, proof })
    else if ('told' in proof) await isTold(t, { here, spec, proof })
    else await isEnded(t, { here, spec, proof })
    await leaves(t, here, spec)
  }
  if (sample.beyond !== undefined) {
    const { asks, why } = sample.beyond
    containers.launch(running('true', asks, 'c-beyond'))
    await log.until('launch-failed', 'c-beyond')
    const [event] = log.of('c-beyond')
    t.regex(event?.kind === 'launch-failed' ? event.why : '', why)
  }
  t.deepEqual(kindsOf(log.of(NEIGHBOUR)), ['started'])
  containers.kill(NEIGHBOUR, 0)
  await log.until('ended', NEIGHBOUR)
  t.is(limitOf(log.of(NEIGHBOUR)), undefined)
  await leaves(t, here, neighbour)
  await containers.destroy('c-beyond')
  await containers.close()
  t.deepEqual(cgroupsLeft(machine), [])
}

/** A task that sees itself says so at its end, and goes on. */
const shellOf = (proof: Proof): string =>
  'sees' in proof ? `{\n${proof.shell}\n}; echo "end $?"; exec sleep 600` : proof.shell

interface Of<Kind> {
  readonly here: Here
  readonly spec: ContainerSpec
  readonly proof: Kind & Pick<Proof, 'title'>
}

async function seesItself(t: ExecutionContext, { here, spec, proof }: Of<Sees>): Promise<void> {
  const { containers, log, machine } = here
  const { containerId } = spec
  const { title, sees, check, counts, outside } = proof
  await fileHolds(join(machine.sandboxPath(spec), 'stdout'), /^end \d+\n/m)
  const seen = typeof sees === 'string' ? sees : sees(containers.isolators)
  t.is(output(machine, spec), `${seen}end 0\n`, `a task ${title}`)
  if (check !== undefined) {
    t.like(
      await checked(here, check, containerId),
      { exit: { code: 0 } },
      `a check of one ${title}`,
    )
  }
  t.notThrows(() => outside?.(machine.sandboxPath(spec)))
  const usage = counts === undefined ? undefined : await containers.usage(containerId)
  if (counts !== undefined) t.true((usage?.[counts] ?? 0) > 0, counts)
  containers.kill(containerId, 600_000)
  await log.until('ended', containerId)
  t.deepEqual(log.of(containerId).at(-1), {
    kind: 'ended',
    containerId,
    exit: { signal: 'SIGTERM' },
  })
}

async function isEnded(t: ExecutionContext, { here, spec, proof }: Of<Ends>): Promise<void> {
  const { containers, log } = here
  const { message, exit, ...limit } = proof.ends
  await log.until('ended', spec.containerId)
  const events = log.of(spec.containerId)
  t.like(limitOf(events), limit, `a task ${proof.title}`)
  t.regex(limitOf(events)?.message ?? '', message)
  if (exit !== undefined) t.like(events.at(-1), { exit })
  if (limit.reason !== 'CONTAINER_LIMITATION_DISK') return
  t.true(((await containers.usage(NEIGHBOUR))?.diskBytes ?? MIB) < MIB, 'to each its own')
}

async function isTold(t: ExecutionContext, { here, spec, proof }: Of<IsTold>): Promise<void> {
  const { containers, log, machine } = here
  const { containerId } = spec
  await log.until('strange-ports', containerId)
  const message = proof.told(machine.sandboxPath(spec))
  t.like(log.of(containerId).at(-1), { message }, `a task ${proof.title}`)
  containers.kill(containerId, 0)
  await log.until('ended', containerId)
  t.deepEqual(kindsOf(log.of(containerId)), ['started', 'strange-ports', 'ended'])
  t.is(limitOf(log.of(containerId)), undefined)
}

async function leaves(t: ExecutionContext, here: Here, spec: ContainerSpec): Promise<void> {
  const { containers, machine } = here
  await containers.destroy(spec.containerId)
  if (spec.containerId === NEIGHBOUR) await processesAreGone(machine.workDir)
  t.deepEqual(mountsLeft(machine), [])
  await machine.sandboxes().remove(spec.sandbox)
  t.false(existsSync(machine.sandboxPath(spec)))
}

const kindsOf = (events: readonly ContainerEvent[]): readonly string[] =>
  events.map(({ kind }) => kind)

function limitOf(events: readonly ContainerEvent[]) {
  const event = events.at(-1)
  return event?.kind === 'ended' ? event.limit : undefined
}

/** Who has claimed a launch and is gone, and who only seems to be. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Claimable, Claims } from '../../../agent-runtime/containerizer/claims.ts'
import { Held } from '../../../agent-runtime/isolator/held.ts'
import { fileId, standardErrors } from '../../../agent-runtime/isolator/proc.ts'
import { SimulatedClock } from '../../../bus/simulated/clock.ts'
import { aLoneContainer } from '../../support/lone-container.ts'

/** The second look has been by then. */
const LOOKED_MS = 1_500

/** One container, of which a test says when it claims and who has the record open. */
function aClaim(claimId?: string) {
  const clock = new SimulatedClock()
  const claim = { claimId, givenUp: 0, giveUp: () => void (claim.givenUp += 1) }
  const scans = { count: 0, next: (): readonly string[] => [] }
  const containers: Claimable[] = [claim]
  const claims = new Claims(
    clock,
    () => containers,
    () => {
      scans.count += 1
      return new Set(scans.next())
    },
  )
  /** A rescan, and what comes of it. */
  const look = async () => {
    claims.look()
    await clock.runUntil(clock.now().monotonicMs + LOOKED_MS)
  }
  return { claims, clock, claim, scans, look }
}

test('one whose record nobody has open is given up by the second look', async (t) => {
  const { claims, clock, claim, scans } = aClaim('a')
  claims.look()
  // Without a watch the rescans are many: the second look comes in its time.
  claims.look()
  claims.look()
  t.like({ ...claim, ...scans }, { givenUp: 0, count: 1 })
  await clock.runUntil(LOOKED_MS)
  t.like({ ...claim, ...scans }, { givenUp: 1, count: 2 })
})

test('where nobody has claimed, no process is looked at', async (t) => {
  const { scans, look } = aClaim()
  await look()
  t.is(scans.count, 0)
})

test('one that claims while the processes are looked at is not judged by what they had', async (t) => {
  const { claim, scans, look } = aClaim()
  // Another one is the cause of the look.
  const other = aClaim('b')
  const containers: Claimable[] = [claim, other.claim]
  const claims = new Claims(
    other.clock,
    () => containers,
    () => {
      claim.claimId = 'a'
      return new Set(scans.next())
    },
  )
  claims.look()
  await other.clock.runUntil(LOOKED_MS)
  t.is(other.claim.givenUp, 1)
  t.is(claim.givenUp, 0, 'only the second look saw it')
  await look()
  t.is(claim.givenUp, 1)
})

test('one look that finds its record open is enough', async (t) => {
  const { claim, scans, look } = aClaim('a')
  // Between the making of the file and the moment when it is its standard error.
  scans.next = () => (scans.count === 1 ? [] : ['a'])
  await look()
  t.like({ ...claim, ...scans }, { givenUp: 0, count: 2 })
})

test('another record of the same name is another claim', async (t) => {
  const { claim, scans, look } = aClaim('a')
  scans.next = () => {
    if (scans.count === 2) claim.claimId = undefined
    else claim.claimId = `${scans.count}`
    return []
  }
  await look()
  t.is(claim.givenUp, 0)
})

test('where the processes cannot be looked at nobody is judged, and the next look begins anew', async (t) => {
  const { claim, scans, look } = aClaim('a')
  scans.next = () => {
    if (scans.count === 2) throw new Error('too many open files')
    return []
  }
  await look()
  t.like({ ...claim, ...scans }, { givenUp: 0, count: 2 })
  await look()
  t.like({ ...claim, ...scans }, { givenUp: 1, count: 4 })
})

test('a recording parent that lives has its time, and one that ended had it', async (t) => {
  const { container, runtime, clock, said } = aLoneContainer(t)
  container.prepared({ kind: 'session' }, new Held(), [])
  const claims = new Claims(clock, () => [container])

  // It claims, and waits for what it is to do.
  const launch = join(runtime.path, 'launches', 'c-1')
  execFileSync('mkfifo', [launch])
  const launcher = spawn('/bin/sh', [runtime.script, runtime.path], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  launcher.stdin.end('c-1\n')
  const pipe = await open(launch, 'w')
  claims.look()
  await clock.runUntil(LOOKED_MS)
  t.deepEqual(said, [], 'it lives')

  rmSync(launch)
  writeFileSync(launch, '')
  // The other end is the recording parent's.
  const ended = once(launcher.stdout.resume(), 'close')
  await pipe.write('exit\n')
  await pipe.close()
  await ended
  claims.look()
  await clock.runUntil(2 * LOOKED_MS)
  const why =
    'whoever was to start it has ended: it was killed, or the disk of the work directory is full'
  t.deepEqual(said, [{ kind: 'launch-failed', containerId: 'c-1', why }])
})

test('what is the standard error of a process is found, whatever it is called', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-claims-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [record, other] = ['record', 'other'].map((name) => join(folder, name))
  for (const path of [record, other]) writeFileSync(path ?? '', '')
  const shell = spawn('/bin/sh', ['-c', `exec 2>>"${record}"; echo ready; read -r end`], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  await once(shell.stdout, 'data')
  renameSync(record ?? '', `${record}.moved`)
  const errors = standardErrors('launcher.sh')
  t.true(errors.has(fileId(`${record}.moved`) ?? ''))
  t.false(errors.has(fileId(other ?? '') ?? ''))
  shell.stdin.end()
  await once(shell, 'exit')
  t.false(standardErrors('launcher.sh').has(fileId(`${record}.moved`) ?? ''))
})

test('only what is gone has no file: of what cannot be looked at nothing is said', (t) => {
  t.is(fileId('/proc/9999998/fd/2'), undefined)
  t.throws(() => fileId('/proc/self/stat/fd/2'), { code: 'ENOTDIR' })
})

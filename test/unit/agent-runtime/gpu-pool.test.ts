/** Whole GPUs: found, given to one at a time, and kept over a restart. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { findGpus, GpuPool } from '../../../agent-runtime/isolator/gpu-pool.ts'
import { gpusIsolator } from '../../../agent-runtime/isolator/gpus.ts'
import { needs } from '../../support/needs.ts'

/** A folder like `/dev`. */
function devices(names: readonly string[]): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'bourse-dev-'))
  for (const name of names) writeFileSync(join(path, name), '')
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

test('a machine has as many GPUs as devices of that name, in the order of their numbers', (t) => {
  using dev = devices(['null', 'nvidia10', 'nvidia2', 'nvidia0', 'nvidiactl', 'nvidia-uvm'])
  mkdirSync(join(dev.path, 'nvidia-caps'))
  t.deepEqual(findGpus(dev.path), [0, 2, 10])
  t.deepEqual(findGpus('/nowhere'), [])
})

test('with a GPU come the devices without which none can be used, by their numbers', (t) => {
  using dev = devices([])
  const make = (name: string, major: string, minor: string) =>
    execFileSync('mknod', [join(dev.path, name), 'c', major, minor])
  let found = process.getuid?.() === 0
  try {
    if (found) make('nvidia1', '195', '1')
  } catch {
    found = false
  }
  if (!needs(t, { name: 'the right to make devices', found })) return
  make('nvidiactl', '195', '255')
  make('nvidia-uvm', '4095', '1000000')
  const gpus = new GpuPool(dev.path)
  t.deepEqual(gpus.devicesOf([1, 7]), [
    { major: 195, minor: 1 },
    { major: 195, minor: 255 },
    { major: 4095, minor: 1_000_000 },
  ])
  t.deepEqual(gpus.devicesOf([]), [])
})

/** What a task with so many is told on a machine with these, where nothing holds it to them. */
async function toldOf(devPath: string, count: number) {
  const shared = { cgroups: undefined, gpus: new GpuPool(devPath), defaultDiskBytes: 0 }
  const { works, missing } = await gpusIsolator.open(shared)
  const part = works?.prepare({ containerId: 'c-1', sandboxPath: '/', gpus: count })
  return { missing, environment: part?.environment }
}

test('a task is told which are its own, and one without that there are none', async (t) => {
  using dev = devices(['nvidia0', 'nvidia2'])
  t.deepEqual(await toldOf(dev.path, 2), {
    missing: ['a task is told which GPUs are its own, but nothing keeps others from opening them'],
    environment: { NVIDIA_VISIBLE_DEVICES: '0,2', CUDA_VISIBLE_DEVICES: '0,2' },
  })
  const none = { NVIDIA_VISIBLE_DEVICES: 'void', CUDA_VISIBLE_DEVICES: '' }
  t.deepEqual((await toldOf(dev.path, 0)).environment, none)
})

test('a GPU that has gone, and whose task is still there, is not missed among the others', (t) => {
  using dev = devices(['nvidia0', 'nvidia1'])
  const gpus = new GpuPool(dev.path)
  gpus.keep('c-1', [1, 7])
  t.is(gpus.free, 1)
  t.deepEqual(gpus.take('c-2', 1), [0])
})

const ids = fc.constantFrom('a', 'b', 'c', 'd')
const step = fc.oneof(
  fc.record({ do: fc.constant('take' as const), id: ids, count: fc.nat(4) }),
  fc.record({ do: fc.constant('release' as const), id: ids }),
  fc.record({ do: fc.constant('restart' as const) }),
)

test('whatever starts, ends and restarts: no GPU is two tasks’ at once, and none is lost', (t) => {
  using dev = devices(['nvidia0', 'nvidia1', 'nvidia3', 'nvidia4'])
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let gpus = new GpuPool(dev.path)
      const held = new Map<string, readonly number[]>()
      for (const one of steps) {
        if (one.do === 'restart') {
          gpus = new GpuPool(dev.path)
          for (const [id, own] of held) gpus.keep(id, own)
        } else if (one.do === 'release') {
          gpus.release(one.id)
          held.delete(one.id)
        } else if (!held.has(one.id)) {
          const free = gpus.all.length - [...held.values()].flat().length
          if (gpus.free !== free) return false
          if (one.count <= free) held.set(one.id, gpus.take(one.id, one.count))
        }
        const all = [...held.values()].flat()
        if (new Set(all).size !== all.length) return false
      }
      return true
    }),
  )
  t.pass()
})

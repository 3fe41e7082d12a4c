/** What was unpacked of tars, and what of it goes. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import test from 'ava'
import { Roots } from '../../../agent-runtime/containerizer/oci/roots.ts'
import { systemClock } from '../../../bus/clock.ts'
import { hasProgram, needs } from '../../support/needs.ts'

/** Lower than the age of anything. */
const AT_ONCE = -1000

function aPlace() {
  const path = mkdtempSync(join(tmpdir(), 'bourse-roots-'))
  const folder = join(path, 'roots')
  return {
    path,
    folder,
    roots: new Roots(folder, systemClock),
    /** What is known by its content, with a folder as if it had been unpacked. */
    unpacked(content: string): { readonly tar: string; readonly root: string } {
      const tar = join(path, content)
      const root = join(folder, createHash('sha256').update(content).digest('hex'))
      writeFileSync(tar, content)
      mkdirSync(root, { recursive: true })
      return { tar, root }
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  }
}

test('who begins while another root is being removed keeps its own', async (t) => {
  using place = aPlace()
  const { roots, folder } = place
  const both = [place.unpacked('one'), place.unpacked('two')]
  for (const { tar, root } of both) {
    t.is(await roots.find(tar, 'c-1'), root)
    roots.release('c-1')
  }
  const removed = roots.removeUnused(AT_ONCE)
  const [left] = both.filter(({ root }) => existsSync(root))
  const found = roots.find(left?.tar ?? '', 'c-2')
  await removed
  t.is(await found, left?.root ?? '')
  t.deepEqual(
    readdirSync(folder).filter((name) => !name.endsWith('.used')),
    [basename(left?.root ?? '')],
  )
})

test('a root that was used at a time that lies ahead goes where nothing is kept', async (t) => {
  using place = aPlace()
  const { root } = place.unpacked('one')
  const aheadS = Date.now() / 1_000 + 3_600
  writeFileSync(`${root}.used`, '')
  utimesSync(`${root}.used`, aheadS, aheadS)
  await place.roots.removeUnused(1)
  t.true(existsSync(root), 'it counts as used just now')
  await place.roots.removeUnused(0)
  t.false(existsSync(root))
})

test('two that remove what is unused at once are not in each other’s way', async (t) => {
  using place = aPlace()
  for (const content of ['one', 'two', 'three', 'four']) place.unpacked(content)
  await Promise.all([place.roots.removeUnused(AT_ONCE), place.roots.removeUnused(AT_ONCE)])
  t.deepEqual(readdirSync(place.folder), [])
})

test('a path that cannot be looked at is refused like one that is not there', (t) => {
  using place = aPlace()
  const { roots, path } = place
  const loop = join(path, 'loop')
  symlinkSync(loop, loop)
  const { tar } = place.unpacked('tar')
  const said = [join(tar, 'rootfs'), loop, join(path, 'n'.repeat(256)), '/\0'].map(
    (one) => roots.find(one, 'c-1') as { refused: string },
  )
  const codes = said.map(({ refused }) => refused.split(' ').at(-1))
  t.deepEqual(codes, ['ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'])
})

test('what never ends to be read holds up nothing else, and ends with who reads', async (t) => {
  using place = aPlace()
  const { roots } = place
  // A file to stat(2), and none to whoever reads it to its end.
  const reading = Array.from({ length: 8 }, (_, nth) => roots.find('/proc/kmsg', `c-${nth}`))
  // By the last of these it has been read as far as it goes.
  for (let nth = 0; nth < 500; nth++) t.true((await stat(place.path)).isDirectory())
  roots.close()
  for (const found of reading) t.is(typeof (await found), 'object')
})

test('who needs a root that is just being removed unpacks another', async (t) => {
  const found = process.getuid?.() === 0 && hasProgram('setpriv')
  if (!needs(t, { name: 'the right to unpack without making devices', found })) return
  using place = aPlace()
  const { roots, folder } = place
  const content = join(place.path, 'content')
  const tar = `${content}.tar`
  mkdirSync(content)
  writeFileSync(join(content, 'file'), '')
  execFileSync('tar', ['--create', `--file=${tar}`, `--directory=${content}`, 'file'])
  const root = await roots.find(tar, 'c-1')
  if (typeof root === 'object') return t.fail(root.refused)
  t.is(dirname(root), folder)
  roots.release('c-1')
  const removed = roots.removeUnused(AT_ONCE)
  t.false(existsSync(root))
  t.is(await roots.find(tar, 'c-2'), root)
  await removed
  t.deepEqual(readdirSync(root), ['file'])
  t.deepEqual(readdirSync(folder), [basename(root)])
})

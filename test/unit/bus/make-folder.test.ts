import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { makeFolder } from '../../../bus/make-folder.ts'

function aFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-folders-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a folder is made with those above it, and again nothing happens', (t) => {
  const path = join(aFolder(t), 'a', 'b', 'c')
  makeFolder(path)
  makeFolder(path)
  t.true(existsSync(path))
})

test('a link to a folder is one', (t) => {
  const folder = aFolder(t)
  symlinkSync(folder, join(folder, 'link'))
  t.notThrows(() => makeFolder(join(folder, 'link')))
})

test('a file that stands in the way is named', (t) => {
  const file = join(aFolder(t), 'file')
  writeFileSync(file, '')
  for (const path of [file, join(file, 'a', 'b')])
    t.throws(() => makeFolder(path), {
      code: 'bus/no-folder',
      message: `${file} is a file, not a folder`,
    })
})

test('where the kernel allows no folder, that is said, and no end is awaited', (t) => {
  t.throws(() => makeFolder('/proc/x/y'), {
    code: 'bus/no-folder',
    message: 'no folder can be made in /proc',
  })
})

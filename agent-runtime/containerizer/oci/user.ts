/** As whom a task runs that has a root filesystem of its own: it has users of its own, too. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { RunAs } from '../../sandbox/user.ts'

const PASSWD_BYTES_MAX = 1_000_000

/** `name`: of the root's `/etc/passwd`, or a number. Absent: root, without its capabilities. */
export function ociUser(root: string, name: string | undefined): RunAs | { refused: string } {
  if (name === undefined) return { uid: 0, gid: 0, prefix: [] }
  const isNumber = /^\d{1,9}$/.test(name)
  const entries = readPasswd(join(root, 'etc', 'passwd')).split('\n')
  const fields = entries.map((line) => line.split(':'))
  const [, , uidText = '', gidText = ''] =
    fields.find((entry) => entry[isNumber ? 2 : 0] === name) ?? []
  if (/^\d{1,9}$/.test(uidText) && /^\d{1,9}$/.test(gidText))
    return { uid: Number(uidText), gid: Number(gidText), prefix: [] }
  if (isNumber) return { uid: Number(name), gid: Number(name), prefix: [] }
  const shown = JSON.stringify(name.slice(0, 80))
  return { refused: `there is no user ${shown} in its root filesystem` }
}

/** Whoever made the root chose what stands there: it may be no file at all, or large. */
function readPasswd(path: string): string {
  let file: number | undefined
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (!fstatSync(file).isFile()) return ''
    const bytes = Buffer.alloc(PASSWD_BYTES_MAX)
    return bytes.toString('utf8', 0, readSync(file, bytes))
  } catch {
    // A root need not have one.
    return ''
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

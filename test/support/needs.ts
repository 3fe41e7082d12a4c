/** Tests that cannot run everywhere say so, instead of failing or pretending. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { ExecutionContext } from 'ava'

export interface Need {
  /** What is missing, for people: `python3-msgpack`, `the right to make cgroups`. */
  readonly name: string
  readonly found: boolean
  /** How to get it. Absent: nothing that one installs helps here. */
  readonly install?: string
}

/** Of tests that take longer than `npm test` may. */
export const TIME: Need = { name: 'BOURSE_LONG=1', found: process.env['BOURSE_LONG'] === '1' }

/**
 * First line of a test that needs something: `if (!needs(t, …)) return`. The test then counts as
 * skipped, with its reason; with BOURSE_REQUIRE=all it fails if installing something would cure it.
 */
export function needs(t: ExecutionContext, { name, found, install }: Need): boolean {
  if (found) return true
  const reason = `${name} is missing${install === undefined ? '' : `: ${install}`}`
  if (install !== undefined && process.env['BOURSE_REQUIRE'] === 'all') {
    t.fail(reason)
  } else {
    t.log(`skipped: ${reason}`)
    t.pass()
  }
  return false
}

/** Is there a program of this name on PATH or where Debian keeps servers? */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

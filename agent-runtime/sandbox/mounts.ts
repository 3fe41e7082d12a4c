/** What tasks, or what runs them, left mounted in a sandbox: it must not be removed with it. */
import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where something is mounted at `path` or below, the deepest first. `text`: mountinfo. */
export function mountsAt(text: string, path: string): readonly string[] {
  const points = text.split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''))
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).reverse()
}

/** The kernel writes blanks and such as three octal digits. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )

/**
 * Unmounts what is mounted at `path` or below. @returns whether anything was.
 *
 * @throws when something stays mounted there: then nothing may be removed.
 */
export async function unmountAt(path: string): Promise<boolean> {
  const home = await realpath(dirname(path)).catch(ifThere)
  if (home === undefined) return false
  // A letter for each byte, as names need be no text. The kernel names places without links; a
  // link in the place of the folder itself would be removed, and nothing behind it.
  const text = (): Promise<string> => readFile('/proc/self/mountinfo', 'latin1')
  const bytes = Buffer.from(join(home, basename(path))).toString('latin1')
  const points = mountsAt(await text(), bytes)
  if (points.length === 0) return false
  for (const point of points)
    await run('umount', ['--lazy', '--', Buffer.from(point, 'latin1').toString()]).catch(() => {})
  const [left] = mountsAt(await text(), bytes)
  if (left !== undefined) throw new Error(`${left} is still mounted: ${path} is not removed`)
  return true
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

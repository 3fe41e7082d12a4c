/** What tasks, or what runs them, left mounted in a sandbox: it must not be removed with it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where something is mounted below `path`, the deepest first. `text`: `/proc/self/mountinfo`. */
export function mountsBelow(text: string, path: string): readonly string[] {
  const points = text.split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''))
  return points.filter((point) => point.startsWith(`${path}/`)).reverse()
}

/** The kernel writes blanks and such as three octal digits. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )

/** @throws when something stays mounted there: then nothing may be removed. */
export async function unmountBelow(path: string): Promise<void> {
  // A letter for each byte, as names need be no text.
  const text = (): Promise<string> => readFile('/proc/self/mountinfo', 'latin1')
  const bytes = Buffer.from(path).toString('latin1')
  const points = mountsBelow(await text(), bytes)
  if (points.length === 0) return
  for (const point of points)
    await run('umount', ['--lazy', '--', Buffer.from(point, 'latin1').toString()]).catch(() => {})
  const [left] = mountsBelow(await text(), bytes)
  if (left !== undefined) throw new Error(`${left} is still mounted: ${path} is not removed`)
}

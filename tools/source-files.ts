/** The files that people write: what the style rules read and what the build copies from. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = [
  'protocol',
  'bus',
  'actors',
  'agent-runtime',
  'frameworks',
  'cli',
  'testing',
  'examples',
  'test',
  'tools',
  'docs',
] as const

/**
 * Paths from the project's root with `/`, sorted, of all files whose name ends with one of
 * `endings`.
 */
export function sourceFiles(root: string, endings: readonly string[]): string[] {
  const wanted = (name: string): boolean => endings.some((ending) => name.endsWith(ending))
  const inFolders = FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  )
  return [...readdirSync(root), ...inFolders].filter(wanted).toSorted()
}

/** What the machine refuses, in a sentence: it is nobody's bug. */

const SENTENCES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  EEXIST: 'it is there already',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk does not work',
}

/** `cannot open /x/y: permission denied`; undefined: it is something else. */
export function systemFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = '', path, dest, syscall } = error as NodeJS.ErrnoException & { dest?: string }
  const sentence = SENTENCES[code]
  if (sentence === undefined || syscall === undefined) return undefined
  const where = dest ?? path
  return `cannot ${syscall}${where === undefined ? '' : ` ${where}`}: ${sentence}`
}

/** Words for the shell. */

/** Any bytes but NUL stand safely between single quotes, if single quotes stand outside. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

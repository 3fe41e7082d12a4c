/** Bytes as people read them. */
export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

/** `64 MiB`, `63.5 MiB`. */
export function inMib(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : `${Math.round((bytes * 10) / MIB) / 10} MiB`
}

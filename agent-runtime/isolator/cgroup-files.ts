/** The small files in which the kernel counts. What is not there is undefined. */
import type { Usage } from './isolator.ts'
import { readText } from './proc.ts'

/** A file of one number; `max` and what else is none are undefined. */
export function numberIn(path: string): number | undefined {
  return parsed(readText(path))
}

/** The number after a name, in a file of `name number` lines. */
export function fieldOf(path: string, name: string): number | undefined {
  const line = readText(path)
    ?.split('\n')
    .find((one) => one.startsWith(`${name} `))
  return parsed(line?.slice(name.length + 1))
}

function parsed(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\n?$/.test(text) ? Number(text) : undefined
}

/** Without what is not there. */
export function known(counts: { readonly [Name in keyof Usage]: number | undefined }): Usage {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined))
}

/** Scalars by name, added up without drift. */
export type Amounts = Readonly<Record<string, number>>

const THOUSAND = 1000

export function addUp(all: readonly Amounts[]): Amounts {
  const sum: Record<string, number> = {}
  for (const amounts of all)
    for (const [name, value] of Object.entries(amounts))
      sum[name] = (sum[name] ?? 0) + Math.round(value * THOUSAND)
  for (const name of Object.keys(sum)) sum[name] = (sum[name] ?? 0) / THOUSAND
  return sum
}

/** `cpus 2.1 of 2`; undefined: nothing is more than its total, or there is no total to go by. */
export function exceeds(sum: Amounts, total: Amounts | undefined): string | undefined {
  const over = Object.entries(sum).filter(([name, value]) => value > (total?.[name] ?? value))
  if (over.length === 0) return undefined
  return over.map(([name, value]) => `${name} ${value} of ${total?.[name]}`).join(', ')
}

/** The scalars of `cpus:2;mem:1024;ports:[1-2]`. */
export function scalarsOf(resources: string): Amounts {
  const scalars = resources.split(';').flatMap((entry): [string, number][] => {
    const [name = '', value = ''] = entry.split(':')
    return Number.isNaN(Number(value)) ? [] : [[name, Number(value)]]
  })
  return Object.fromEntries(scalars)
}

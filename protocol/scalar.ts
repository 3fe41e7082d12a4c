/** Quantities are decimal outside and integer thousandths inside; this is where they change. */

/** Thousandths of `decimal`, rounded: 0.1 + 0.2 cpus are 300, always. */
export function toThousandths(decimal: number): number {
  return Math.round(decimal * 1000)
}

export function fromThousandths(thousandths: number): number {
  return thousandths / 1000
}

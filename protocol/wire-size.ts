/** How many bytes a value takes on the wire, without encoding it: lists are cut by it. */

function ofLength(length: number, short: number): number {
  if (length < short) return 1
  return length < 65_536 ? 3 : 5
}

function ofNumber(value: number): number {
  if (!Number.isInteger(value)) return 9
  if (value >= -32 && value < 128) return 1
  return value >= -(2 ** 31) && value < 2 ** 32 ? 5 : 9
}

/** An upper bound, exact but for the smallest integers and strings. `undefined` fields count 0. */
export function wireBytes(value: unknown): number {
  if (typeof value === 'string') {
    const bytes = Buffer.byteLength(value)
    return bytes + ofLength(bytes, 32) + 1
  }
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'object' || value === null) return 1
  if (value instanceof Uint8Array) return value.byteLength + 5
  if (Array.isArray(value)) {
    return value.reduce((sum: number, item) => sum + wireBytes(item), ofLength(value.length, 16))
  }
  let sum = 5
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined) sum += wireBytes(key) + wireBytes(field)
  }
  return sum
}

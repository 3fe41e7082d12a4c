/** Values of the wire as JSON has them. */

/**
 * A copy in which bytes are `{"$base64": "…"}` and numbers that JSON does not know are their names.
 * `value` is what the codec decodes.
 */
export function plainValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString('base64') }
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (Array.isArray(value)) return value.map(plainValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plainValue(field)]))
}

/** What several have in common, once. */

/**
 * Things that several have, found by what they say, as long as somebody has them: a regular
 * expression is evaluated once for each that differs.
 */
export class Shared<T extends { readonly key: string }> {
  readonly #byKey = new Map<string, { readonly value: T; uses: number }>()

  take(key: string, make: () => T): T {
    const known = this.#byKey.get(key) ?? { value: make(), uses: 0 }
    known.uses += 1
    this.#byKey.set(key, known)
    return known.value
  }

  release({ key }: T): void {
    const known = this.#byKey.get(key)
    if (known === undefined) return
    known.uses -= 1
    if (known.uses === 0) this.#byKey.delete(key)
  }
}

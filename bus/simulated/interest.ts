/** Who listens to a subject, as a NATS server knows it. */

/** More different subjects than a simulation has, but inboxes are new with each call. */
const CACHE_MAX = 4096

/** True if `subject` is one of those that `pattern`, with `*` and a last `>`, stands for. */
export function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [i, token] of pattern.entries()) {
    if (token === '>') return subject.length > i
    if (i >= subject.length || (token !== '*' && token !== subject[i])) return false
  }
  return pattern.length === subject.length
}

interface Interested {
  readonly pattern: readonly string[]
}

/** Sets of listeners by subject, in the order in which they came. */
export class Interest<Listener extends { readonly subject: string }> {
  readonly #listeners = new Map<Listener, Interested>()
  readonly #found = new Map<string, readonly Listener[]>()

  add(listener: Listener): void {
    this.#listeners.set(listener, { pattern: listener.subject.split('.') })
    this.#found.clear()
  }

  remove(listener: Listener): void {
    if (this.#listeners.delete(listener)) this.#found.clear()
  }

  in(subject: string): readonly Listener[] {
    const known = this.#found.get(subject)
    if (known !== undefined) return known
    const tokens = subject.split('.')
    const found: Listener[] = []
    for (const [listener, { pattern }] of this.#listeners)
      if (matches(pattern, tokens)) found.push(listener)
    if (this.#found.size >= CACHE_MAX) this.#found.clear()
    this.#found.set(subject, found)
    return found
  }
}

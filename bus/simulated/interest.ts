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

/** Listeners by the tokens of their patterns. */
interface Branch<Listener> {
  readonly next: Map<string, Branch<Listener>>
  /** Whose pattern ends here, with the order in which they came. */
  readonly here: Map<Listener, number>
  /** Whose pattern ends in `>` here. */
  readonly all: Map<Listener, number>
}

const newBranch = <Listener>(): Branch<Listener> => ({
  next: new Map(),
  here: new Map(),
  all: new Map(),
})

/** Sets of listeners by subject, in the order in which they came. */
export class Interest<Listener extends { readonly subject: string }> {
  readonly #root = newBranch<Listener>()
  readonly #found = new Map<string, readonly Listener[]>()
  #count = 0

  add(listener: Listener): void {
    this.#place(listener.subject).set(listener, this.#count++)
    this.#found.clear()
  }

  remove(listener: Listener): void {
    if (this.#place(listener.subject).delete(listener)) this.#found.clear()
  }

  in(subject: string): readonly Listener[] {
    const known = this.#found.get(subject)
    if (known !== undefined) return known
    const found: [Listener, number][] = []
    collect(this.#root, subject.split('.'), 0, found)
    if (found.length > 1) found.sort(([, a], [, b]) => a - b)
    const listeners = found.map(([listener]) => listener)
    if (this.#found.size >= CACHE_MAX) this.#found.clear()
    this.#found.set(subject, listeners)
    return listeners
  }

  #place(pattern: string): Map<Listener, number> {
    let branch = this.#root
    for (const token of pattern.split('.')) {
      if (token === '>') return branch.all
      const next = branch.next.get(token) ?? newBranch<Listener>()
      branch.next.set(token, next)
      branch = next
    }
    return branch.here
  }
}

function collect<Listener>(
  branch: Branch<Listener>,
  subject: readonly string[],
  at: number,
  found: [Listener, number][],
): void {
  const token = subject[at]
  if (token === undefined) {
    for (const one of branch.here) found.push(one)
    return
  }
  for (const one of branch.all) found.push(one)
  const next = branch.next.get(token)
  if (next !== undefined) collect(next, subject, at + 1, found)
  const any = branch.next.get('*')
  if (any !== undefined) collect(any, subject, at + 1, found)
}

/** How large a regular expression becomes, from its text alone. */

/** No atoms: what is repeated after them is what stood before. */
const NOTHING = /\(\?[a-zA-Z-]*\)|\\Q\\E|\\E/y
/** One that takes braces, or a text in which nothing has a meaning. */
const ESCAPE = /\\(?:[xpP]\{[^}]*\}?|Q[\s\S]*?(?:\\E|$)|[\s\S]|$)/y
const REPEAT = /\{(\d+)(?:,(\d*))?\}/y
const CLASS = /\[\^?/y
/** Within a class: what begins no range; else a character, which does with a `-` behind it. */
const SET = /\[:[\s\S]*?:\]|\\[dswDSW]|\\[pP](?:\{[^}]*\}|[\s\S])/uy
const CHARACTER = /\\x(?:\{[^}]*\}|[0-9a-fA-F]{2})|\\[0-7]{1,3}|\\[\s\S]|[\s\S]/uy
const RANGE = /-(?!\])/y

/**
 * No fewer instructions than the expression compiles to: what stands in it, times how often it is
 * to be repeated. Of one with a wrong syntax, any number. RE2's own parser decides what is a class
 * and what is not: whoever could mislead this one would have much too large a program compiled.
 */
export function estimateProgram(expression: string): number {
  const estimate = new Estimate(expression)
  while (estimate.goOn()) {
    // Until the end.
  }
  return estimate.size
}

interface Group {
  sum: number
  /** Of the atom that a repeat would be of. */
  last: number
}

class Estimate {
  readonly #text: string
  readonly #open: Group[] = []
  #group: Group = { sum: 2, last: 1 }
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get size(): number {
    const { sum, last } = this.#group
    return this.#open.reduce((size, outer) => size + outer.sum + outer.last, sum + last)
  }

  /** Takes the next piece; false: there is none. */
  goOn(): boolean {
    if (this.#at >= this.#text.length) return false
    if (this.#eat(NOTHING) !== undefined) return true
    const escape = this.#eat(ESCAPE)
    if (escape !== undefined) this.#atom(escape[0].startsWith('\\Q') ? escape[0].length : 1)
    else if (!this.#repeat() && !this.#class()) this.#unit()
    return true
  }

  #eat(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at
    const found = form.exec(this.#text)
    if (found === null) return undefined
    this.#at = form.lastIndex
    return found
  }

  #atom(size: number): void {
    this.#group.sum += this.#group.last
    this.#group.last = size
  }

  #repeat(): boolean {
    const found = this.#eat(REPEAT)
    if (found === undefined) return false
    const times = Math.max(Number(found[1]), Number(found[2] ?? 0), 1)
    this.#group.last = times * (this.#group.last + 1) + 1
    return true
  }

  /** A `]` at its beginning is a character. */
  #class(): boolean {
    if (this.#eat(CLASS) === undefined) return false
    this.#atom(1)
    do this.#member()
    while (this.#at < this.#text.length && this.#text[this.#at] !== ']')
    this.#at += 1
    return true
  }

  #member(): void {
    if (this.#eat(SET) !== undefined) return
    this.#eat(CHARACTER)
    if (this.#eat(RANGE) !== undefined) this.#eat(CHARACTER)
  }

  #unit(): void {
    const unit = this.#text[this.#at]
    this.#at += 1
    if (unit === '(') {
      this.#open.push(this.#group)
      this.#group = { sum: 2, last: 1 }
    } else if (unit === ')') {
      const { sum, last } = this.#group
      this.#group = this.#open.pop() ?? { sum: 0, last: 0 }
      this.#atom(sum + last)
    } else if (unit === '*' || unit === '+' || unit === '?') this.#group.last += 2
    else this.#atom(unit === '|' ? 2 : 1)
  }
}

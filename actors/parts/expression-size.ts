/** How large a regular expression becomes, and what it takes to compile it, from its text alone. */

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
/** Flags that make it the same whether letters are small or not. */
const FOLDED = /\(\?[a-zA-Z-]*i/
const CODE = /^\\(?:x\{?([0-9a-fA-F]+)|([0-7]+))/
const ASCII_MAX = 0x7f
/** Of no letter above it is there a small one. */
const LETTER_MAX = 0x1e943

/** In instructions, by the time that it takes: hundreds of ranges are read, sorted, and copied. */
const UNICODE_WEIGHT = 100
/** Letters of a range are looked at one by one if it is the same whether they are small. */
const LETTERS_PER_INSTRUCTION = 10
/** Of a class or a group, and of an expression as such. */
const PIECE_WEIGHT = 10

/**
 * No fewer instructions than the expression compiles to: what stands in it, times how often it is
 * to be repeated. Of one with a wrong syntax, any number. RE2's own parser decides what is a class
 * and what is not: whoever could mislead this one would have much too large a program compiled.
 */
export function estimateProgram(expression: string): number {
  return readAll(expression, 0).size
}

/** What it takes to compile it beside its program, in instructions. */
export interface Weight {
  /** Of Unicode's classes and ranges of letters, as often as they are repeated. */
  readonly classes: number
  /** Of all else. */
  readonly pieces: number
}

export function weighExpression(expression: string): Weight {
  const { size, pieces } = readAll(expression, 1)
  const classes = size - estimateProgram(expression)
  return { classes, pieces: PIECE_WEIGHT * (1 + pieces) }
}

function readAll(expression: string, classWeight: 0 | 1): Estimate {
  const estimate = new Estimate(expression, classWeight)
  while (estimate.goOn()) {
    // Until the end.
  }
  return estimate
}

interface Group {
  sum: number
  /** Of the atom that a repeat would be of. */
  last: number
}

class Estimate {
  /** Classes and groups. */
  pieces = 0
  readonly #text: string
  readonly #classWeight: 0 | 1
  readonly #isFolded: boolean
  readonly #open: Group[] = []
  #group: Group = { sum: 2, last: 1 }
  #at = 0

  constructor(text: string, classWeight: 0 | 1) {
    this.#text = text
    this.#classWeight = classWeight
    this.#isFolded = FOLDED.test(text)
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
    if (escape !== undefined) this.#escape(escape[0])
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

  #escape(escape: string): void {
    this.#atom(escape.startsWith('\\Q') ? escape.length : 1)
    this.#set(escape)
  }

  /** One that may stand for a class, or a part of one. */
  #set(set: string): void {
    if (/^\\[pP]/.test(set)) this.#weigh(UNICODE_WEIGHT)
    if (/^\\[dswDSW]/.test(set)) this.pieces += 1
  }

  #weigh(instructions: number): void {
    this.#group.last += this.#classWeight * instructions
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
    this.pieces += 1
    this.#atom(1)
    do this.#member()
    while (this.#at < this.#text.length && this.#text[this.#at] !== ']')
    this.#at += 1
    return true
  }

  #member(): void {
    const set = this.#eat(SET)
    if (set !== undefined) return this.#set(set[0])
    this.#eat(CHARACTER)
    if (this.#eat(RANGE) === undefined) return
    const last = codeOf(this.#eat(CHARACTER)?.[0] ?? '')
    const letters = Math.min(last, LETTER_MAX) - ASCII_MAX
    if (this.#isFolded && letters > 0) this.#weigh(Math.ceil(letters / LETTERS_PER_INSTRUCTION))
  }

  #unit(): void {
    const unit = this.#text[this.#at]
    this.#at += 1
    if (unit === '(') {
      this.pieces += 1
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

/** Of a character as it stands in a class. */
function codeOf(character: string): number {
  const [, hex, octal] = CODE.exec(character) ?? []
  if (hex !== undefined) return Number.parseInt(hex, 16)
  if (octal !== undefined) return Number.parseInt(octal, 8)
  return character.codePointAt(character.startsWith('\\') ? 1 : 0) ?? 0
}

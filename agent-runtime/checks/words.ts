/** What a check by a command says: the beginning of its standard error, in one line. */

/** So much is told of it. */
const SAID_LENGTH_MAX = 500
/** So long is waited for the last words of one that has ended. */
export const WORDS_MS_MAX = 200

export class Words {
  #text = ''

  /** Nothing, if it has said nothing. */
  get said(): { said?: string } {
    const said = this.#text.trim().replaceAll(/\s+/g, ' ').slice(0, SAID_LENGTH_MAX)
    return said === '' ? {} : { said }
  }

  add(bytes: Buffer): void {
    if (this.#text.length < SAID_LENGTH_MAX) this.#text += bytes.toString()
  }
}

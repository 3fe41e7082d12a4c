/** Cuts what several tasks write into lines, so that they do not mix within one. */

const LINE_END = 0x0a
/** What has no line end for so long is passed on as it is. */
const LINE_BYTES_MAX = 64 * 1024

export class LineCutter {
  #rest: Uint8Array = new Uint8Array(0)

  /** The lines that are whole now, each with its end. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const lines: Uint8Array[] = []
    let from = 0
    for (let end = all.indexOf(LINE_END); end >= 0; end = all.indexOf(LINE_END, from)) {
      lines.push(all.subarray(from, end + 1))
      from = end + 1
    }
    // A copy: the piece that was handed over may be a view on something large.
    this.#rest = all.slice(from)
    if (this.#rest.length >= LINE_BYTES_MAX) lines.push(...this.end())
    return lines
  }

  /** What is left: a last line without its end, which is added. */
  end(): readonly Uint8Array[] {
    const rest = this.#rest
    this.#rest = new Uint8Array(0)
    return rest.length === 0 ? [] : [Buffer.concat([rest, Uint8Array.of(LINE_END)])]
  }
}

/** Reads what AVA's reporter prints, line by line, and keeps the tally that ends `npm test`. */

export interface Skip {
  readonly test: string
  readonly reason: string
}

/** The mark that `test/support/needs.ts` logs in a test that could not run. */
export const SKIP_MARK = 'skipped: '

const PASSED = /^ {2}✔ (?<title>.*?)(?<slow> \([\d.]+m?s[^)]*\))?$/
const LOG = /^ {4}ℹ (?<text>.*)$/
const FAILED = /^ {2}✘ |^ {2}Uncaught exception|^ {2}Unhandled rejection/
const SKIPPED = /^ {2}- \[(?:skip|todo)\] (?<title>.*)$/
/** Lines of a stack that never hold the fault. */
const NOISE = /^\s+at .*(?:node_modules\/ava\/|node:internal\/|Promise\.all \()/
const HEARD_EACH = 100

export class TestReport {
  readonly skips: Skip[] = []
  passed = 0
  failed = 0
  private lastTitle = ''
  private quiet = false
  private readonly isSpoken: (title: string) => boolean

  /**
   * `isSpoken` says which passing tests are printed by name; slow ones (AVA's judgement) always.
   */
  constructor(isSpoken: (title: string) => boolean) {
    this.isSpoken = isSpoken
  }

  /** Takes one line; gives what of it a person should see. */
  read(line: string): string | undefined {
    const passed = PASSED.exec(line)?.groups
    if (passed) return this.readPass(line, passed['title'] ?? '', passed['slow'] !== undefined)
    const log = LOG.exec(line)?.groups
    if (log?.['text']?.startsWith(SKIP_MARK)) {
      this.passed -= 1
      this.skips.push({ test: this.lastTitle, reason: log['text'].slice(SKIP_MARK.length) })
      return undefined
    }
    const skipped = SKIPPED.exec(line)?.groups
    if (skipped) {
      this.skips.push({ test: skipped['title'] ?? '', reason: 'switched off in its source' })
      return undefined
    }
    if (FAILED.test(line)) {
      this.failed += 1
      this.quiet = false
    } else if (!line.startsWith('    ')) this.quiet = false
    return this.quiet || NOISE.test(line) ? undefined : line
  }

  private readPass(line: string, title: string, isSlow: boolean): string | undefined {
    this.passed += 1
    this.lastTitle = title
    this.quiet = !(isSlow || this.isSpoken(title))
    if (!this.quiet) return line
    return this.passed % HEARD_EACH === 0 ? `  … ${this.passed} passed` : undefined
  }

  /**
   * Ends the report. AVA's own verdict counts too: a run that it calls failed has a failure, and so
   * has one in which nothing ran.
   */
  close(avaFailed: boolean): readonly string[] {
    if (this.failed === 0 && (avaFailed || this.passed === 0)) this.failed = 1
    const skips = this.skips.map(({ test, reason }) => `${SKIP_MARK}${test}, ${reason}`)
    const tally = `${this.passed} passed, ${this.failed} failed, ${this.skips.length} skipped`
    return [...skips, tally]
  }
}

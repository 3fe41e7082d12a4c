/** Which tests passed, out of what AVA's TAP reporter prints. */
import { SKIP_MARK } from '../../tools/test-report.ts'
import type { TestName } from './behaviour.ts'

/** `absent`: no test of that file has this title. */
export type TestResult = 'passed' | 'failed' | 'skipped' | 'absent'

const BETWEEN = ' › '
const TEST = /^(?<not>not )?ok \d+ - (?<title>.*?)(?<directive> # [A-Z]{4})?$/

export class TapResults {
  readonly #results = new Map<string, TestResult>()
  #last = ''

  read(line: string): void {
    const found = TEST.exec(line)?.groups
    if (found?.['title'] !== undefined) {
      this.#last = found['title']
      const isSwitchedOff = found['directive'] !== undefined
      this.#results.set(this.#last, isSwitchedOff ? 'skipped' : found['not'] ? 'failed' : 'passed')
    } else if (line.startsWith('#') && line.slice(1).trimStart().startsWith(SKIP_MARK)) {
      this.#results.set(this.#last, 'skipped')
    }
  }

  /** AVA leaves out the folders that all files of a run share, and of a single file its name. */
  of({ file, title }: TestName): TestResult {
    const words = [...file.split('/'), title]
    for (let from = 0; from < words.length; from++) {
      const result = this.#results.get(words.slice(from).join(BETWEEN))
      if (result !== undefined) return result
    }
    return 'absent'
  }
}

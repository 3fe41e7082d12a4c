/** What came of looking for one bug. */
export interface Look {
  readonly isFound: boolean
  /** For people. */
  readonly lines: readonly string[]
}

/** A table that fits the terminal. */
import { cutToWidth, harmless, widthOf } from './text.ts'

export interface Column<Item> {
  readonly title: string
  readonly text: (item: Item) => string
  readonly align?: 'right'
  /** May be cut when the terminal is too narrow; the widest such column is cut first. */
  readonly gives?: true
}

const GAP = '  '
/** A column that gives keeps so much. */
const WIDTH_MIN = 8

/** Lines: titles, then one for each item. `widthMax`: the terminal's; absent: nothing is cut. */
export function tableLines<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  widthMax: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const rows = [
    columns.map(({ title }) => title),
    ...items.map((item) => columns.map(({ text }) => harmless(text(item)))),
  ]
  const widths = columns.map((_, i) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(row[i] as string)), 0),
  )
  narrow(columns, widths, widthMax)
  return rows.map((row) =>
    row
      .map((cell, i) => padded(cell, widths[i] as number, columns[i]?.align))
      .join(GAP)
      .trimEnd(),
  )
}

/** Takes width from the widest column that gives, until all fits or none gives more. */
function narrow<Item>(columns: readonly Column<Item>[], widths: number[], widthMax: number): void {
  const total = (): number =>
    widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1))
  for (let over = total() - widthMax; over > 0; over = total() - widthMax) {
    const giving = widths.map((width, i) => (columns[i]?.gives === true ? width : 0))
    const [widest = 0, second = 0] = giving.toSorted((a, b) => b - a)
    if (widest <= WIDTH_MIN) return
    const rest = Math.max(WIDTH_MIN, Math.min(widest - 1, second), widest - over)
    widths[giving.indexOf(widest)] = rest
  }
}

function padded(cell: string, width: number, align: 'right' | undefined): string {
  const text = cutToWidth(cell, width)
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'right' ? space + text : text + space
}

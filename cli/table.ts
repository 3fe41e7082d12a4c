/** A table that fits the terminal. */
import { cutMiddle, cutToWidth, harmless, widthOf } from './text.ts'

export interface Column<Item> {
  readonly title: string
  readonly text: (item: Item) => string
  readonly align?: 'right'
  /**
   * May be cut when the terminal is too narrow; the widest such column is cut first. `id`: from its
   * middle, and no two that differ look alike.
   */
  readonly gives?: true | 'id'
  /** Left out when cutting is not enough, the highest first. */
  readonly spare?: number
  /** Left out where no item has it. */
  readonly isRare?: true
}

const GAP = '  '
/** A column that gives keeps so much. */
const WIDTH_MIN = 8
const ID_WIDTH_MIN = 6

/** A column with its cells as they are printed. */
interface Printed {
  readonly title: string
  readonly cells: readonly string[]
  readonly align: 'right' | undefined
  readonly gives: true | 'id' | undefined
  readonly spare: number
  /** Cannot be narrower. */
  widthMin: number
  width: number
}

/** Lines: titles, then one for each item. `widthMax`: the terminal's; absent: nothing is cut. */
export function tableLines<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  widthMax: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const isThere = ({ isRare, text }: Column<Item>): boolean =>
    isRare !== true || items.some((item) => text(item) !== '')
  const all = columns.filter(isThere).map((column) => printed(column, items))
  const shown = total(all, ({ width }) => width) > widthMax ? fitted(all, widthMax) : all
  const cells = shown.map(cutCells)
  return [undefined, ...items].map((_, row) =>
    shown
      .map(({ width, align }, i) => padded(cells[i]?.[row] ?? '', width, align))
      .join(GAP)
      .trimEnd(),
  )
}

function printed<Item>(
  { title, text, align, gives, spare = 0 }: Column<Item>,
  items: readonly Item[],
): Printed {
  const cells = items.map((item) => harmless(text(item)))
  const width = cells.reduce((widest, cell) => Math.max(widest, widthOf(cell)), title.length)
  return { title, cells, align, gives, spare, width, widthMin: width }
}

function fitted(columns: readonly Printed[], widthMax: number): readonly Printed[] {
  for (const column of columns) column.widthMin = leastWidth(column)
  const shown = withoutSpare(columns, widthMax)
  narrow(shown, widthMax)
  return shown
}

function leastWidth({ cells, gives, width }: Printed): number {
  if (gives === undefined) return width
  return gives === 'id' ? tellingWidth(cells, width) : Math.min(width, WIDTH_MIN)
}

/** The least width at which cells that differ still do when their middle is cut out. */
function tellingWidth(cells: readonly string[], widest: number): number {
  const different = [...new Set(cells)]
  const tells = (width: number): boolean =>
    new Set(different.map((cell) => cutMiddle(cell, width))).size === different.length
  let [low, high] = [Math.min(ID_WIDTH_MIN, widest), widest]
  while (low < high) {
    const width = Math.floor((low + high) / 2)
    if (tells(width)) high = width
    else low = width + 1
  }
  return low
}

const total = (columns: readonly Printed[], widthOfOne: (column: Printed) => number): number =>
  columns.reduce((sum, column) => sum + widthOfOne(column), GAP.length * (columns.length - 1))

/** Without columns that do not fit even at their narrowest. */
function withoutSpare(columns: readonly Printed[], widthMax: number): readonly Printed[] {
  if (total(columns, ({ widthMin }) => widthMin) <= widthMax) return columns
  const spare = Math.max(...columns.map((column) => column.spare))
  if (spare === 0) return columns
  return withoutSpare(
    columns.filter((column) => column.spare !== spare),
    widthMax,
  )
}

/** Takes width from the widest column that gives, until all fits or none gives more. */
function narrow(columns: readonly Printed[], widthMax: number): void {
  for (let over = 1; over > 0; ) {
    over = total(columns, ({ width }) => width) - widthMax
    const giving = columns
      .filter(({ width, widthMin }) => width > widthMin)
      .toSorted((a, b) => b.width - a.width)
    const [widest, second] = giving
    if (over <= 0 || widest === undefined) return
    const level = Math.min(widest.width - 1, second?.width ?? 0)
    widest.width = Math.max(widest.widthMin, level, widest.width - over)
  }
}

const cutCells = ({ title, cells, width, gives }: Printed): readonly string[] => [
  cutToWidth(title, width),
  ...cells.map((cell) => (gives === 'id' ? cutMiddle(cell, width) : cutToWidth(cell, width))),
]

function padded(cell: string, width: number, align: 'right' | undefined): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(cell)))
  return align === 'right' ? space + cell : cell + space
}

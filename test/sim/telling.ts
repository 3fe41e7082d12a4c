/** Steps of a trace in words: what is about the ids in question, and no more. */

const SHORT_LENGTH = 4
/** Runs, sessions and calls; also within launches and offers. */
const HEX = /[0-9a-f]{16,}/g
const LINE_LENGTH_MAX = 240

/** How a field is told, when its value is no list and no map. Others are left out. */
const FIELDS: Readonly<Record<string, (value: string) => string>> = {
  taskId: (value) => value,
  state: (value) => value,
  agentId: (value) => `at ${value}`,
  frameworkId: (value) => `of ${value}`,
  masterId: (value) => `of ${value}`,
  holder: (value) => `held by ${value}`,
  offerId: (value) => `offer ${value}`,
  launch: (value) => `launch ${value}`,
  containerId: (value) => `container ${value}`,
  role: (value) => `role ${value}`,
  session: (value) => `session ${value}`,
  epoch: (value) => `epoch ${value}`,
  run: (value) => `run ${value}`,
  counter: (value) => `counter ${value}`,
  n: (value) => `no. ${value}`,
  count: (value) => `count ${value}`,
  uuid: (value) => `uuid ${value}`,
  call: (value) => `call ${value}`,
  reason: (value) => value,
  message: (value) => `“${value}”`,
  name: (value) => value,
  durability: (value) => `for ${value}`,
  code: (value) => `code ${value}`,
  signal: (value) => `signal ${value}`,
  graceMs: (value) => `grace ${value} ms`,
  sequence: (value) => `sequence ${value}`,
  problem: (value) => `“${value}”`,
}

/** What says which of several things a map is. */
const LABELS = ['kind', 'do', 'verb'] as const

export interface Told {
  readonly atMs: number
  readonly who: string
  readonly input: object
  readonly effects: readonly object[]
}

/** True if it is by or about one of the words; without words all is. */
export class About {
  readonly #patterns: readonly RegExp[]

  constructor(words: readonly string[]) {
    const escaped = words.map((word) => word.replace(/[^A-Za-z0-9]/g, '\\$&'))
    this.#patterns = escaped.map((word) => new RegExp(`(^|[^A-Za-z0-9])${word}($|[^A-Za-z0-9])`))
  }

  is(value: unknown): boolean {
    if (typeof value === 'string') return this.#patterns.some((pattern) => pattern.test(value))
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
    if (value instanceof Map || value instanceof Set) return false
    return Object.values(value).some((one) => this.is(one))
  }

  step({ who, input, effects }: Told): boolean {
    return this.#patterns.length === 0 || this.is(who) || this.is(input) || this.is(effects)
  }
}

/** `12.3456 agent-3 ← leader orders (…) → checkpoint (…), launch (…)`. */
export function tellStep({ atMs, who, input, effects }: Told, about: About): string {
  const concerned = effects.filter((effect) => about.is(effect))
  const shown = concerned.length > 0 ? concerned : effects
  const done = shown.map((effect) => tell(effect, about)).join(', ')
  const line = `${(atMs / 1_000).toFixed(4)} ${who} ← ${tell(input, about)}`
  return clip(done === '' ? line : `${line} → ${done}`)
}

function tell(value: object, about: About): string {
  const label = LABELS.map((key) => (value as Record<string, unknown>)[key]).find(
    (one) => typeof one === 'string',
  )
  const words = label === undefined ? '' : String(label).replace(/[.-]/g, ' ')
  const parts: string[] = []
  for (const [key, one] of Object.entries(value)) {
    const said = tellField(key, one, about)
    if (said !== '') parts.push(said)
  }
  const inner = parts.join(' ')
  if (words === '') return inner
  return inner === '' ? words : `${words} (${inner})`
}

function tellField(key: string, value: unknown, about: About): string {
  if (typeof value === 'string' || typeof value === 'number')
    return FIELDS[key]?.(short(String(value))) ?? ''
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return ''
  if (value instanceof Map || value instanceof Set) return ''
  if (!Array.isArray(value)) return about.is(value) || isFence(value) ? tell(value, about) : ''
  const concerned = value.filter((one) => about.is(one))
  return concerned
    .map((one) => (typeof one === 'object' && one !== null ? tell(one, about) : short(String(one))))
    .join('; ')
}

/** Who leads is always of interest. */
const isFence = (value: object): boolean => 'epoch' in value

const short = (text: string): string => text.replace(HEX, (hex) => hex.slice(0, SHORT_LENGTH))

const clip = (line: string): string =>
  line.length <= LINE_LENGTH_MAX ? line : `${line.slice(0, LINE_LENGTH_MAX)}…`

/** What a validator complains of, in a sentence that helps whoever made the value. */
import { SCALAR_MAX } from './limits.ts'
import { PATTERN_WORDS } from './patterns.ts'
import type { Complaint } from './validators.generated.js'

/** They only say that something below them is wrong. */
const WRAPPERS: ReadonlySet<string> = new Set(['anyOf', 'propertyNames'])

/**
 * Where a value may have one of several shapes there is a complaint for each: the deepest is of the
 * one that was meant, for the others did not even take its type.
 */
export function mostTelling(complaints: readonly Complaint[]): Complaint | undefined {
  let best: Complaint | undefined
  for (const complaint of complaints) {
    if (WRAPPERS.has(complaint.keyword)) continue
    if (best === undefined || weightOf(complaint) > weightOf(best)) best = complaint
  }
  return best
}

function weightOf({ instancePath, keyword }: Complaint): number {
  return 2 * instancePath.split('/').length + (keyword === 'type' ? 0 : 1)
}

/** `roles.1 must be …`, of the value that was checked. */
export function sentenceOf(complaint: Complaint, value: unknown): string {
  const path = complaint.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const given = path.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], value)
  const field = path.join('.') || 'message'
  const { keyword, params } = complaint
  if (keyword === 'discriminator') return `${field}.kind ${oneOf(params['allowedValues'])}`
  if (path.at(-2) === 'resources' && !isNumber(path.at(-1))) return `${field} ${amount(given)}`
  const name = complaint.propertyName
  const subject = name === undefined ? field : `${field}: the name ${JSON.stringify(name)}`
  return `${subject} ${what(complaint)}${hint(complaint, given)}`
}

const isNumber = (step: string | undefined): boolean => /^\d+$/.test(step ?? '')

/** In the short form of resources. */
function amount(given: unknown): string {
  const must = `must be a number, 0 to ${SCALAR_MAX}`
  if (!Array.isArray(given)) return must
  return `${must}: a map holds numbers only; ranges and sets need the list form`
}

function what({ keyword, message = 'is wrong', params }: Complaint): string {
  if (keyword === 'enum') return oneOf(params['allowedValues'])
  const words = keyword === 'pattern' ? PATTERN_WORDS[String(params['pattern'])] : undefined
  if (words !== undefined) return `must be ${words}`
  const extra = params['additionalProperty']
  return typeof extra === 'string' ? `${message} (${extra})` : message
}

const oneOf = (allowed: unknown): string =>
  `must be ${(Array.isArray(allowed) ? allowed : []).map((one) => JSON.stringify(one)).join(' or ')}`

function hint({ keyword, params, instancePath }: Complaint, given: unknown): string {
  if (instancePath === '' || (keyword !== 'type' && keyword !== 'binary')) return ''
  if (given === null) return ', not nil: what is absent is left out'
  const isText = params['type'] === 'string'
  return isText && given instanceof Uint8Array ? ', not binary: pack texts as str' : ''
}

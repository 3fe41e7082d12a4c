/**
 * The forms that texts may have, and each in words: nobody should have to read them to mend a text.
 */
import { TOKEN_PATTERN } from './ids.ts'

export const BITS64_PATTERN = '^[0-9a-f]{16}$'
export const UUID_PATTERN = '^[0-9a-f]{32}$'
export const SECRET_PATTERN = '^[\\x20-\\x7e]{8,128}$'
/** `*`, or a path like `a/b`; no component is empty, `.`, `..` or `*`; no white space. */
export const ROLE_PATTERN = '^(?:\\*|(?!-)(?!.*(?:^|/)(?:\\.{0,2}|\\*)(?:/|$))[^\\s\\x08\\x7f]+)$'
export const RESOURCE_NAME_PATTERN = '^[A-Za-z0-9_./-]{1,64}$'
export const LABEL_PATTERN = '^[\\s\\S]{1,128}$'
export const NO_NUL_PATTERN = '^[^\\0]*$'
export const VARIABLE_PATTERN = '^[A-Za-z_][A-Za-z0-9_]{0,127}$'
export const URL_PATH_PATTERN = '^/[\\x21-\\x7e]{0,1023}$'
export const USER_PATTERN = '^(?:[a-z_][a-z0-9_-]{0,31}|\\d{1,9})$'

/** How a text of that form is told in a refusal, after "must be". */
export const PATTERN_WORDS: Readonly<Record<string, string>> = {
  [TOKEN_PATTERN]: '1 to 64 letters, digits, _ or -',
  [BITS64_PATTERN]: '16 hexadecimal digits in lower case',
  [UUID_PATTERN]: '32 hexadecimal digits in lower case',
  [SECRET_PATTERN]: '8 to 128 printable ASCII characters',
  [ROLE_PATTERN]:
    '* or a path like team/batch, without white space and no - in front; no part is empty, ., .. or *',
  [RESOURCE_NAME_PATTERN]: '1 to 64 letters, digits, _, ., / or -',
  [LABEL_PATTERN]: '1 to 128 characters',
  [NO_NUL_PATTERN]: 'a text without NUL',
  [VARIABLE_PATTERN]: 'a letter or _, then up to 127 letters, digits or _',
  [URL_PATH_PATTERN]: '/ and up to 1023 printable ASCII characters without spaces',
  [USER_PATTERN]: 'a letter in lower case or _, then up to 31 of these, digits or -; or a number',
}

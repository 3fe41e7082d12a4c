/** `npm run lock`: adds to package-lock.json what npm left out. See lock.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { completed, missingEntries } from './lock.ts'

const FILE = 'package-lock.json'
const lock = JSON.parse(readFileSync(FILE, 'utf8'))
const before = Object.keys(lock.packages).length
lock.packages = completed(lock.packages)
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${FILE}: ${Object.keys(lock.packages).length - before} entries added`)
for (const { parent, name, range } of missingEntries(lock.packages)) {
  console.error(`${parent || 'package.json'} lacks ${name}@${range}: run npm install`)
  process.exitCode = 1
}

import { readFileSync } from 'node:fs'
import test from 'ava'
import { completed, type LockPackages, missingEntries, platformEntry } from '../tools/lock.ts'

const lock: { readonly packages: LockPackages } = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
)

const INCOMPLETE: LockPackages = {
  '': { dependencies: { tool: '1.2.3' } },
  'node_modules/tool': {
    version: '1.2.3',
    dev: true,
    optionalDependencies: { '@tool/linux-arm-musleabihf': '1.2.3', '@tool/linux-x64': '1.2.3' },
  },
  'node_modules/tool/node_modules/@tool/linux-x64': { version: '1.2.3', optional: true },
}

test('the lock file has an entry for every dependency of every platform', (t) => {
  t.deepEqual(missingEntries(lock.packages), [], 'run: npm run lock')
})

test('the lock file names no registry, so that any can be used', (t) => {
  t.notRegex(readFileSync('package-lock.json', 'utf8'), /"resolved"|https?:\/\/[^"]*\.tgz/)
})

test('what is missing is found where Node would look, and named', (t) => {
  t.deepEqual(missingEntries(INCOMPLETE), [
    {
      parent: 'node_modules/tool',
      name: '@tool/linux-arm-musleabihf',
      range: '1.2.3',
      optional: true,
    },
  ])
})

test('a completed lock file lacks nothing; the platform is read from the name', (t) => {
  const packages = completed(INCOMPLETE)
  t.deepEqual(missingEntries(packages), [])
  t.deepEqual(packages['node_modules/@tool/linux-arm-musleabihf'], {
    version: '1.2.3',
    cpu: ['arm'],
    dev: true,
    libc: ['musl'],
    optional: true,
    os: ['linux'],
  })
})

test('a range without one version cannot be completed without a registry', (t) => {
  const missing = { parent: '', name: 'a', range: '^1.0.0', optional: true }
  t.throws(() => platformEntry({}, missing), { message: 'a: ^1.0.0 is not one version' })
})

import test from 'ava'
import { hasProgram, needs } from '../../support/needs.ts'

test('what is there is not skipped', (t) => {
  t.true(needs(t, { name: 'sh', found: hasProgram('sh'), install: 'install a shell' }))
})

test('what is missing and cannot be installed skips, with BOURSE_REQUIRE=all too', async (t) => {
  const attempt = await t.try((tt) => {
    tt.false(needs(tt, { name: 'a second moon', found: hasProgram('no-such-program') }))
  })
  attempt.discard()
  t.true(attempt.passed)
  t.deepEqual(attempt.logs, ['skipped: a second moon is missing'])
})

test.serial('what could be installed skips, and fails with BOURSE_REQUIRE=all', async (t) => {
  const before = process.env['BOURSE_REQUIRE']
  const missing = { name: 'jq', found: false, install: 'apt-get install jq' }
  const tryWith = async (require: string) => {
    process.env['BOURSE_REQUIRE'] = require
    const attempt = await t.try((tt) => {
      needs(tt, missing)
    })
    attempt.discard()
    return attempt
  }
  const lenient = await tryWith('')
  const strict = await tryWith('all')
  if (before === undefined) delete process.env['BOURSE_REQUIRE']
  else process.env['BOURSE_REQUIRE'] = before
  t.true(lenient.passed)
  t.deepEqual(lenient.logs, ['skipped: jq is missing: apt-get install jq'])
  t.false(strict.passed)
})

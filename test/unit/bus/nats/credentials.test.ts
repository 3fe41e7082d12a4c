import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { credentialsOf, newNkey } from '../../../../bus/nats/credentials.ts'

const folder = mkdtempSync(join(tmpdir(), 'bourse-credentials-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const at = (files: { readonly nkeyPath?: string; readonly credsPath?: string }) =>
  credentialsOf({ servers: ['nats://a:1'], source: 'a test', ...files })

/** The public key that the server is told. */
async function keyIn(text: string): Promise<unknown> {
  const { authenticator } = await at({ nkeyPath: file('a.nk', text) })
  return typeof authenticator === 'function' ? authenticator('nonce') : undefined
}

test('a seed is found alone, and as nsc writes it', async (t) => {
  const { publicKey, seed } = newNkey()
  t.like(await keyIn(seed), { nkey: publicKey })
  t.like(await keyIn(`${seed}\n`), { nkey: publicKey })
  const decorated = `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`
  t.like(await keyIn(decorated), { nkey: publicKey })
})

test('two keys are two', (t) => {
  t.notDeepEqual(newNkey(), newNkey())
})

/** Its checksum finds each slip of one letter. */
function withSlip(seed: string): string {
  const at = seed.length / 2
  return seed.slice(0, at) + (seed[at] === 'A' ? 'B' : 'A') + seed.slice(at + 1)
}

const NO_CREDENTIALS = {
  'an empty file': '',
  'anything else': 'root:x:0:0\n',
  'a public key': newNkey().publicKey,
  'a seed with a slip': withSlip(newNkey().seed),
}
for (const [what, text] of Object.entries(NO_CREDENTIALS))
  for (const kind of ['nkeyPath', 'credsPath'] as const)
    test(`${what} as ${kind}: a sentence, and nobody is dialled`, async (t) => {
      const path = file(`${kind}-${what.length}`, text)
      await t.throwsAsync(at({ [kind]: path }), {
        code: 'bus/credentials',
        message: `${path} holds no credentials of a NATS user`,
      })
    })

test('a file that is not there: a sentence', async (t) => {
  const nkeyPath = join(folder, 'nowhere.nk')
  await t.throwsAsync(at({ nkeyPath }), { code: 'bus/credentials', message: /cannot be read$/ })
})

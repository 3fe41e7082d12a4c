/** A task's own /tmp is the one that was made for it, whatever others put in its place. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import { makePrivateFiles } from '../../../agent-runtime/isolator/namespaces/private-files.ts'
import { needs } from '../../support/needs.ts'

function namespacesNeed() {
  const name = 'the right to make mount namespaces'
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return { name, found: true }
  } catch {
    return { name, found: false }
  }
}

function aSandbox(t: ExecutionContext) {
  const sandbox = mkdtempSync(join(tmpdir(), 'bourse-private-'))
  t.teardown(() => rmSync(sandbox, { recursive: true, force: true }))
  const lines = makePrivateFiles({ sandbox, kept: [], memBytes: undefined })
  const isolate = () => {
    const script = `isolate() {\n${lines.join('\n')}\n}\nisolate && echo done`
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      cwd: '/',
      encoding: 'utf8',
    })
    return `${stdout}${stderr}`
  }
  return { sandbox, isolate, folder: join(sandbox, '.private') }
}

export function privateFiles(test: TestFn): void {
  test('what was made is what the task gets', (t) => {
    if (!needs(t, namespacesNeed())) return
    t.is(aSandbox(t).isolate(), 'done\n')
  })

  test('a link in the place of a private folder is no way to what lies behind it', (t) => {
    if (!needs(t, namespacesNeed())) return
    const { sandbox, isolate, folder } = aSandbox(t)
    const behind = mkdtempSync(join(tmpdir(), 'bourse-behind-'))
    t.teardown(() => rmSync(behind, { recursive: true, force: true }))
    // All that the sandbox is to be shown at is there, too.
    for (const name of ['tmp', 'var-tmp', 'shm'])
      mkdirSync(join(behind, name, sandbox.slice('/tmp'.length)), { recursive: true })
    renameSync(folder, join(sandbox, 'away'))
    symlinkSync(behind, folder)
    t.is(isolate(), 'its own files are not where they were made\n')
  })
}

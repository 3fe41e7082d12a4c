/** The launcher's script alone, where no agent can help it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { renderLaunchFile } from '../../agent-runtime/containerizer/launch-file.ts'
import { LAUNCHER_SCRIPT } from '../../agent-runtime/launcher/script.ts'
import { aSandbox } from '../support/containers.ts'

/** Has a launcher start one task; true if the task ran. Returns when all of them have ended. */
async function runs(record: '/dev/full' | 'a file'): Promise<boolean> {
  const path = mkdtempSync(join(tmpdir(), 'bourse-launcher-'))
  try {
    for (const name of ['records', 'launches', 'sandbox']) mkdirSync(join(path, name))
    writeFileSync(join(path, 'launcher.sh'), LAUNCHER_SCRIPT)
    const file = {
      sandbox: aSandbox('t'),
      hold: { kind: 'session' },
      joins: [],
      sandboxPath: join(path, 'sandbox'),
      command: { argv: ['touch', 'ran'] },
      environment: { PATH: '/usr/bin:/bin' },
      enter: '',
      isolate: [],
      prefix: [],
      envOptions: [],
    } as const
    writeFileSync(join(path, 'launches', 'c-1'), renderLaunchFile(file))
    if (record === '/dev/full') symlinkSync(record, join(path, 'records', 'c-1'))
    const launcher = spawn('/bin/sh', [join(path, 'launcher.sh'), path], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    // Recording parents have it open too: it closes when the last of them has ended.
    launcher.stdout.resume()
    launcher.stdin.end('c-1\n')
    await once(launcher, 'close')
    return existsSync(join(path, 'sandbox', 'ran'))
  } finally {
    rmSync(path, { recursive: true })
  }
}

test('a task whose start cannot be recorded, since the disk is full, does not start', async (t) => {
  t.true(await runs('a file'))
  t.false(await runs('/dev/full'))
})

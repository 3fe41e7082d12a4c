/** A root filesystem with nothing but busybox in it, and a machine whose tasks run in one. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openOci } from '../../agent-runtime/containerizer/oci/oci.ts'
import { inContainer, type RealMachine, realMachine } from './containers.ts'
import { hasProgram, type Need } from './needs.ts'

const BUSYBOX = '/bin/busybox'
const APPLETS = ['sh', 'cat', 'id', 'ls', 'printf', 'ps', 'sleep', 'test', 'true', 'wc']

/** By trying, as an agent does. */
export async function ociNeed(): Promise<Need> {
  const install = 'apt-get install --no-install-recommends runc busybox-static'
  if (!hasProgram('runc') || !existsSync(BUSYBOX))
    return { name: 'runc or busybox', found: false, install }
  const folder = mkdtempSync(join(tmpdir(), 'bourse-oci-need-'))
  try {
    const oci = await openOci(folder)
    return { name: typeof oci === 'string' ? oci : 'root', found: typeof oci === 'object' }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function makeRoot(): string {
  const root = mkdtempSync(join(tmpdir(), `bourse's "$(id)" root,a:b-`))
  mkdirSync(join(root, 'bin'))
  copyFileSync(BUSYBOX, join(root, 'bin', 'busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
  return root
}

export function tarOf(root: string): string {
  execFileSync('tar', [
    '--create',
    '--force-local',
    `--file=${root}.tar`,
    `--directory=${root}`,
    '.',
  ])
  return `${root}.tar`
}

/** What no test names runs in `root`. */
export function ociMachine(root: string, ...kind: Parameters<typeof realMachine>): RealMachine {
  return inContainer(realMachine(...kind), { kind: 'oci', root })
}

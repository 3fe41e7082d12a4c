/** Fetches nats-server from the distribution's own archive, without root and without installing. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ClusterError } from '../../protocol/errors.ts'
import { makeFolder } from '../make-folder.ts'

const run = promisify(execFile)
const APT = '/usr/bin/apt-get'
const DPKG_DEB = '/usr/bin/dpkg-deb'
/**
 * What apt-get itself calls must be found, whatever our own PATH; a proxy may stand in the rest.
 */
const env = { ...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
/** In the package. */
const PROGRAM = 'usr/sbin/nats-server'

export function canFetch(): boolean {
  return existsSync(APT) && existsSync(DPKG_DEB)
}

/**
 * Puts `nats-server` into `cacheDir`. Two at once do no harm: each works in a folder of its own,
 * and the program is moved in whole.
 *
 * @throws {ClusterError} `bus/no-nats-server` (later): the archive cannot be reached, or lacks it.
 */
export async function fetchServer(cacheDir: string): Promise<void> {
  makeFolder(cacheDir)
  const workDir = await mkdtemp(join(cacheDir, 'fetch-'))
  try {
    await mkdir(join(workDir, 'lists', 'partial'), { recursive: true })
    await mkdir(join(workDir, 'archives', 'partial'), { recursive: true })
    const configPath = join(workDir, 'apt.conf')
    await writeFile(configPath, aptConfig(workDir))
    const apt = (...command: readonly string[]) =>
      run(APT, ['-q', '-c', configPath, ...command], { cwd: workDir, env })
    await apt('update')
    await apt('download', 'nats-server')
    const archive = (await readdir(workDir)).find((name) => name.endsWith('.deb'))
    if (archive === undefined) throw new Error('apt-get downloaded nothing')
    await run(DPKG_DEB, ['-x', join(workDir, archive), join(workDir, 'unpacked')], { env })
    const program = join(workDir, 'unpacked', PROGRAM)
    await chmod(program, 0o755)
    await rename(program, join(cacheDir, 'nats-server'))
  } catch (cause) {
    const message =
      'nats-server could not be fetched with apt-get: install it, put it on PATH or name it by NATS_SERVER'
    throw new ClusterError('bus/no-nats-server', 'later', message, { cause })
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

/** The system's sources and keys, but nothing else of the system's. */
const aptConfig = (workDir: string): string => `
Dir::State "${workDir}";
Dir::State::Lists "${workDir}/lists";
Dir::Cache "${workDir}";
Dir::Cache::Archives "${workDir}/archives";
Debug::NoLocking "1";
// As root, apt would hand over to a user who may not write here.
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
// What others hooked in tidies the system's folders.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`

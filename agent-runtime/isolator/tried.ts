/** What works on this machine is found by trying. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LAUNCHER_ENV } from '../launcher/launcher.ts'

const PROBE_MS_MAX = 5_000

/** Runs words as the launcher would. @returns why it does not work; undefined: it does. */
export async function tried([file = '', ...args]: readonly string[]): Promise<string | undefined> {
  try {
    await promisify(execFile)(file, args, { cwd: '/', env: LAUNCHER_ENV, timeout: PROBE_MS_MAX })
    return undefined
  } catch (error) {
    const { stderr = '', message } = error as Error & { readonly stderr?: string }
    return (stderr.trim() || message).split('\n')[0]
  }
}

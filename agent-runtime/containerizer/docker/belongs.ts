/** Which processes of this machine are a container's. */
import { readText } from '../../isolator/proc.ts'

/**
 * True if the process that has this pid here is one of the container's. A service whose processes
 * are counted in another pid namespace, or on a machine of its own, tells pids that are strangers'
 * here; but every service calls the cgroups of a container by its id.
 */
export function isProcessOf(containerId: string, pid: number, proc = '/proc'): boolean {
  if (!/^[0-9a-f]{64}$/.test(containerId)) return false
  return readText(`${proc}/${pid}/cgroup`)?.includes(containerId) === true
}

/** Every isolator, in the order in which a container is prepared; README.md says why. */
import { capabilitiesIsolator } from './capabilities.ts'
import type { CgroupIsolator } from './cgroups/isolator.ts'
import { cpuIsolator } from './cpu.ts'
import { devicesIsolator } from './devices.ts'
import { diskIsolator } from './disk.ts'
import { gpusIsolator } from './gpus.ts'
import type { Isolator } from './isolator.ts'
import { memoryIsolator } from './memory.ts'
import { mountNamespaceIsolator } from './mount-namespace.ts'
import { networkNamespaceIsolator } from './network-namespace.ts'
import { noNewPrivilegesIsolator } from './no-new-privileges.ts'
import { pidNamespaceIsolator } from './pid-namespace.ts'
import { pidsIsolator } from './pids.ts'
import { portsIsolator } from './ports.ts'
import { rlimitsIsolator } from './rlimits.ts'

export const CGROUP_ISOLATORS: readonly CgroupIsolator[] = [
  pidsIsolator,
  memoryIsolator,
  cpuIsolator,
  devicesIsolator,
]

export const ISOLATORS: readonly Isolator[] = [
  gpusIsolator,
  ...CGROUP_ISOLATORS,
  diskIsolator,
  portsIsolator,
  rlimitsIsolator,
  capabilitiesIsolator,
  noNewPrivilegesIsolator,
  pidNamespaceIsolator,
  networkNamespaceIsolator,
  mountNamespaceIsolator,
]

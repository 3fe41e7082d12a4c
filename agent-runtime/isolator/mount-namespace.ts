/** A task has files of its own in /tmp, /var/tmp and /dev/shm, and sees no mounts made later. */
import { realpathSync } from 'node:fs'
import { namespaceIsolator, ONE_WAY } from './namespaces/namespaces.ts'
import { makePrivateFiles } from './namespaces/private-files.ts'

export const mountNamespaceIsolator = namespaceIsolator({
  namespace: 'mount',
  lacks: 'no task can have files of its own in /tmp, /var/tmp and /dev/shm',
  unshare: ['--mount', '--ipc', ONE_WAY],
  probe: 'mount -n -t tmpfs tmpfs /var/tmp && mount -n --rbind /var/tmp /tmp',
  lines({ sandboxPath, groupPath, memBytes }) {
    const kept = groupPath === undefined ? [] : [realpathSync(groupPath)]
    return makePrivateFiles({ sandbox: realpathSync(sandboxPath), kept, memBytes })
  },
})

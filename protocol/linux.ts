/** Words of Linux for what a process may do and use. */

/** Types of resource limits, as setrlimit(2) has them, without `RLIMIT_`. */
export const RLIMITS = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] as const
export type Rlimit = (typeof RLIMITS)[number]

/** As in capabilities(7), without `CAP_`, in the order of their numbers. */
export const LINUX_CAPABILITIES = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
] as const
export type LinuxCapability = (typeof LINUX_CAPABILITIES)[number]

/** What a task can have for itself alone. */
export const NAMESPACES = ['pid', 'mount', 'network'] as const
export type Namespace = (typeof NAMESPACES)[number]

/** How much the shims do; rows state what they expect by it. */
export const STALL_MS = 5_000
export const SYNC_MS = 1_000
/** What a process says before each of them. */
export const STALLS = 'the event loop stands still'
export const SLOW_SYNC = 'a slow sync'
export const JUMP_MS = 3_600_000

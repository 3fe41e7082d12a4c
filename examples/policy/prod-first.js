/** Roles below `prod` come first, then whoever holds least for its weight; GPUs are given last. */
export default {
  rankRole({ role, share, weight }) {
    const isProduction = role === 'prod' || role.startsWith('prod/')
    return (isProduction ? 0 : 1) + share / (share + weight)
  },
  rankMember: ({ share }) => share,
  rankAgent: ({ total, fill }) => (total.gpus > 0 ? 1 : 0) + fill,
}

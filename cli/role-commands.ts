/** The commands about roles, their weights and quotas, with their flags. */
import type { Command } from 'commander'
import type { RoleWeight } from '../protocol/schema/common.ts'
import { checkedBy, collected } from './arguments.ts'
import type { SetQuotaOptions } from './commands/quota.ts'
import { describe, GLOBAL_FLAGS } from './help.ts'
import { given, type Registration } from './registration.ts'
import { parseRole, parseRoleWeight, parseSumsFlag } from './roles/flags.ts'

const QUOTA_MORE = `\
A guarantee is kept free for the role's frameworks until they have it; a limit is never passed by \
what they hold and are offered, children of the role included. Both are scalars by name, such as \
cpus:4;mem:4096 (mem in MiB); of what is not named nothing is guaranteed, and there is no limit. \
Only roles at the top of the tree have a quota. Nothing that runs is ended for one.`

export function addRoleCommands(registration: Registration): void {
  addQuota(registration)
  addWeights(registration)
}

function addQuota({ add, io, done }: Registration): void {
  const quota = add('quota', 'show and set what roles are guaranteed, and their limits', {
    group: 'act',
    examples: ["quota set prod --guarantee 'cpus:4;mem:4096'", 'quota get', 'quota remove prod'],
    more: QUOTA_MORE,
    globals: [],
  }).helpCommand(false)
  const part = (
    name: string,
    description: string,
    examples: readonly [string, ...string[]],
    more?: string,
  ): Command =>
    describe(quota.command(name).description(description), {
      group: 'act',
      examples,
      globals: GLOBAL_FLAGS,
      ...(more === undefined ? {} : { more }),
    })
  part('get', 'list roles with a quota, and what they have', ['quota get', 'quota get prod'])
    .argument('[role]', 'of this one only', role)
    .action(async (wanted: string | undefined, _, command: Command) => {
      const { getQuota } = await import('./commands/quota.ts')
      done(await getQuota(wanted, given(io, command)))
    })
  part(
    'set',
    'replace the quota of a role',
    ["quota set prod --guarantee 'cpus:4;mem:4096'", 'quota set batch --limit cpus:16 --force'],
    QUOTA_MORE,
  )
    .argument('<role>', 'at the top of the tree', role)
    .option('--guarantee <amounts>', 'what is kept for it (default: nothing)', sums)
    .option('--limit <amounts>', 'what it may have at most (default: no limit)', sums)
    .option('--force', 'also when all guarantees are more than the agents have, or tasks exceed it')
    .action(async (wanted: string, _, command: Command) => {
      const { setQuota } = await import('./commands/quota.ts')
      done(await setQuota(wanted, given<SetQuotaOptions>(io, command)))
    })
  part('remove', 'end the quotas of roles', ['quota remove prod batch'])
    .argument('<role...>', 'all of them, or none if one is refused', collected(role))
    .action(async (wanted: readonly string[], _, command: Command) => {
      const { removeQuotas } = await import('./commands/quota.ts')
      done(await removeQuotas(wanted, given(io, command)))
    })
}

function addWeights({ add, io, done }: Registration): void {
  add('weights', "show and set roles' weights", {
    group: 'act',
    examples: ['weights', 'weights prod=3 prod/batch=0.5'],
    more: `\
A role with weight 3 gets three times as much as a sibling with weight 1, when both want it; roles \
compete with those of the same parent. All weights of one command are set, or none. 1 is what a role \
has of which nothing was said: ROLE=1 takes a weight away, and a role of which there is nothing else \
is not listed any more. Offers that nobody has answered are taken back, and made anew.`,
  })
    .argument('[role=weight...]', 'none: list them', collected(checkedBy(parseRoleWeight)))
    .action(async (wanted: readonly RoleWeight[] | undefined, _, command: Command) => {
      const { weights } = await import('./commands/weights.ts')
      done(await weights(wanted ?? [], given(io, command)))
    })
}

const role = checkedBy(parseRole)
const sums = checkedBy(parseSumsFlag)

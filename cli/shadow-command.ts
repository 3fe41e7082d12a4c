/** `bourse shadow` with its flags. */
import type { Command } from 'commander'
import { given, type Registration } from './registration.ts'

export function addShadow({ add, io, done }: Registration): void {
  add('shadow', 'show how another policy would have decided', {
    group: 'look',
    examples: ['shadow', 'shadow --follow'],
    more: SHADOW_MORE,
  })
    .option('-f, --follow', 'go on with what differs, until Ctrl-C')
    .action(async (_, self: Command) => {
      const { shadow } = await import('./commands/shadow.ts')
      done(await shadow(given(io, self)))
    })
}

const SHADOW_MORE = `\
A decision is one agent that the allocator has given away: to whom, and to whom the shadow would have \
given it just then. \`bourse allocator --shadow --policy P\` is a shadow; it disturbs nobody.

Of each framework the table has how often it was given something of an agent (GIVEN), and the CPUs and \
MiB of all that together (CPUS, MEM), since the shadow began: not what it holds. Beside each stands \
what the shadow would have given it in the same decisions (SHADOW-…).`

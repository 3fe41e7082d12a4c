/** Who is offered what, and when. */
import { behaviour, different, inFile, notYet, type Section } from './behaviour.ts'

const scenario = (...titles: readonly string[]) => inFile('scenario/fairness', ...titles)

export const ALLOCATION: Section = {
  title: 'Allocation',
  numbers: [96, 97, 98, 100, 101, 102, 104, 105, 106, 108, 109, 110, 112],
  behaviours: [
    behaviour(
      96,
      'What is new goes to the role and framework with the smallest dominant share.',
      inFile('unit/actors/allocator/allocate', 'the smaller dominant share comes first'),
      notYet('roles as a tree'),
    ),
    behaviour(97, 'Shares follow weights, of inner roles too.', [], notYet('weights')),
    behaviour(
      98,
      'Of equal shares the one with fewer allocations is next, so that counts stay equal.',
      scenario('of equals the one that was offered less often is next, so that they take turns'),
    ),
    behaviour(
      100,
      'What is contained in a decline stays away for its time, anything more does not.',
      scenario(
        'what was declined, or less of it, stays away until the filter is over',
        'more than was declined passes the filter',
        'a decline for no time at all still lets others be asked first',
      ),
      different('0019', 'a filter lives for a second at least, for there is no batch to outlive'),
    ),
    behaviour(
      101,
      'A suppressed role gets nothing; a revived one gets offers whatever it had declined.',
      scenario('a suppressed role gets nothing; revived, it is asked at once whatever it declined'),
    ),
    behaviour(
      102,
      'What is guaranteed to a role is there for it before others, and kept while it is away.',
      [],
      notYet('quotas'),
    ),
    behaviour(104, 'A guarantee is granted in part of an agent.', [], notYet('quotas')),
    behaviour(
      105,
      'A role with a guarantee that is not met comes before one with a smaller share that is.',
      [],
      notYet('quotas'),
    ),
    behaviour(
      106,
      'Reserved resources go to their owners, and what is kept for guarantees is still right.',
      [],
      notYet('reservations'),
    ),
    behaviour(
      108,
      'An agent that the first framework may not use goes to the next.',
      [],
      notYet('constraints'),
    ),
    behaviour(
      109,
      'Too small a rest is not offered; a framework may say what is too small for it.',
      inFile(
        'unit/actors/allocator/allocate',
        'less than 0.01 cpus and less than 32 MiB are not allocated; one of them is enough',
      ),
      notYet('least amounts of a framework'),
    ),
    behaviour(
      110,
      'Whether agents or frameworks come back first: what is used counts once.',
      scenario(
        'after a takeover shares are as before, when agents come back first',
        'after a takeover shares are as before, when frameworks come back first',
      ),
    ),
    behaviour(
      112,
      'Only agents of which the constraints hold are offered; dangerous expressions are refused.',
      [],
      notYet('constraints'),
    ),
  ],
}

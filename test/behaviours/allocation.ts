/** Who is offered what, and when. */
import { behaviour, different, inFile, notYet, type Section } from './behaviour.ts'

const scenario = (...titles: readonly string[]) => inFile('scenario/fairness', ...titles)
const roles = (...titles: readonly string[]) => inFile('scenario/roles', ...titles)
const quota = (...titles: readonly string[]) => inFile('scenario/quota', ...titles)
const terms = (...titles: readonly string[]) => inFile('scenario/terms', ...titles)
const shares = (...titles: readonly string[]) => inFile('system/shares', ...titles)

export const ALLOCATION: Section = {
  title: 'Allocation',
  numbers: [96, 97, 98, 100, 101, 102, 104, 105, 106, 108, 109, 110, 112],
  behaviours: [
    behaviour(96, 'What is new goes to the role and framework with the smallest dominant share.', [
      ...roles(
        'each new agent goes to the role that has least, and in it to the framework that has least',
      ),
      ...shares("the paper's example: 9 CPUs and 18 GB hold 3 tasks of <1, 4> and 2 of <3, 1>"),
    ]),
    behaviour(97, 'Shares follow weights, of inner roles too.', [
      ...roles(
        'weights 1 and 3 share agents as 1 to 3',
        'the weight of an inner role counts for all below it',
      ),
      ...shares(
        '10 agents of <16, 64> and 5 of <4, 16> are one pool, which weights share as 1 to 2 to 3',
      ),
    ]),
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
      quota(
        'a role with a guarantee gets it before others, whatever the shares',
        'what is guaranteed to a role without a framework is kept free until there is one',
        'guarantees of several absent roles are kept free together',
      ),
    ),
    behaviour(
      104,
      'A guarantee is granted in part of an agent.',
      quota('of an agent that is larger than a guarantee as much is granted as is missing'),
      notYet('disks that cannot be cut, which are granted whole'),
    ),
    behaviour(
      105,
      'A role with a guarantee that is not met comes before one with a smaller share that is.',
      quota('a guarantee that is not met comes before a smaller share whose guarantee is met'),
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
      terms('an agent that the first framework cannot use goes to the next'),
    ),
    behaviour(
      109,
      'Too small a rest is not offered; a framework may say what is too small for it.',
      [
        ...terms(
          'leftovers below the least amounts are not offered, unless the framework asks for them',
        ),
        ...inFile(
          'unit/actors/allocator/allocate',
          'less than 0.01 cpus and less than 32 MiB are not allocated; one of them is enough',
        ),
      ],
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
      terms(
        'only agents of which the constraints hold are offered',
        'of groups of constraints one must hold, and of a group all',
        'a regular expression that is too long, too much work or none is refused, and nothing else happens',
      ),
    ),
  ],
}

/** Offers, launches and statuses, as the master deals with them. */
import { behaviour, different, inFile, notYet, type Section } from './behaviour.ts'

const scenario = (...titles: readonly string[]) => inFile('scenario/offers', ...titles)
const unit = (...titles: readonly string[]) => inFile('unit/actors/master/offers', ...titles)

export const OFFERS: Section = {
  title: 'Offers, launches and statuses',
  numbers: [1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20],
  behaviours: [
    behaviour(
      1,
      'A task that is too large for each of two offers of one agent runs on both together.',
      scenario('two offers of one agent carry a task that needs both'),
    ),
    behaviour(
      2,
      'An accept of offers of two agents launches nothing and gives both back.',
      scenario('offers of two agents in one accept start nothing, and both come back at once'),
    ),
    behaviour(
      4,
      'An accept of offers for two roles launches nothing.',
      scenario('offers for two roles in one accept start nothing'),
    ),
    behaviour(
      5,
      'An offer that nobody answers is taken back, and what was in it is offered again.',
      scenario('who stays silent has its offer taken back, and is offered the same again later'),
      different('0019', 'it counts as declined: others are asked first'),
    ),
    behaviour(
      6,
      'An offer that was used or declined does not time out afterwards.',
      scenario('an offer that was answered is never taken back'),
    ),
    behaviour(8, 'An end that waits behind an unacknowledged status frees what the task held.', [
      ...scenario(
        'the resources of a task that has ended are offered before anybody acknowledged its start',
      ),
      ...inFile(
        'unit/actors/master/statuses',
        'the newest state frees what the task held at once, whatever status waits',
      ),
    ]),
    behaviour(
      9,
      'A task that cannot be is an error, and what it would have taken is offered again.',
      scenario('a task that cannot be is an error, and what was offered for it comes back'),
    ),
    behaviour(
      10,
      'Amounts have three decimals: the smallest is one, anything smaller is nothing.',
      [
        ...scenario('a thousandth of a cpu is an amount, and a ten-thousandth is none'),
        ...inFile('unit/protocol/resources', '0.1 and 0.2 cpus are 0.3 cpus'),
      ],
    ),
    behaviour(
      12,
      'What is wrong with a task is found before it is launched, and the good ones run.',
      [
        ...scenario(
          'what no task can be refuses the accept before anything is touched, and an id in use is named',
        ),
        ...unit(
          'a task that wants more than is left is TASK_ERROR, and the good ones run',
          'a task that wants nothing is TASK_ERROR, and the good ones run',
          'a task that wants cpus by name instead of number is TASK_ERROR, and the good ones run',
          'a task that wants half a GPU is TASK_ERROR, and the good ones run',
          'a task that has two commands is TASK_ERROR, and the good ones run',
        ),
      ],
      different('0019', 'what has no legal shape refuses the call; an id in use is in the answer'),
      notYet('revocable resources, of which a task may not mix both kinds'),
    ),
    behaviour(
      13,
      'A kill of a task that nobody knows is answered as a question for it would be.',
      scenario('a kill of a task that nobody knows is answered with its state'),
    ),
    behaviour(
      14,
      'A kill of an unknown task of an agent that is still expected is not answered.',
      scenario('a kill of an unknown task of an agent that may come back is not answered'),
    ),
    behaviour(
      16,
      'An end that is told twice reaches the framework twice and changes nothing.',
      scenario('an end is said again until it is acknowledged, and changes nothing'),
    ),
    behaviour(
      17,
      'Of what has ended only so much is remembered, the newest.',
      scenario('of tasks that have ended the newest are listed, and no more'),
      different('0019', 'ended frameworks are not listed: the history of events has them'),
    ),
    behaviour(
      18,
      'Who has left a role is charged for tasks there that come back, and offered nothing for it.',
      scenario(
        'a framework that has left a role is charged for what runs there and gets no offers',
      ),
    ),
    behaviour(
      20,
      'Agents of another region are offered only to frameworks that are aware of regions.',
      inFile(
        'scenario/terms',
        'agents of another region are offered only to those that are aware of regions',
        'where the cluster has no region, every agent is offered to all',
      ),
      different('0019', 'a region is an attribute, and no agent is refused for it'),
    ),
  ],
}

/** How frameworks subscribe, change and fail over. */
import { behaviour, different, inFile, otherTransport, type Section } from './behaviour.ts'

const scenario = (...titles: readonly string[]) => inFile('scenario/frameworks', ...titles)

export const FRAMEWORKS: Section = {
  title: 'Frameworks',
  numbers: [21, 22, 24, 25, 26, 28, 29, 30, 32, 33],
  behaviours: [
    behaviour(
      21,
      'Another process of a framework takes over in time: its tasks run on, unseen statuses come.',
      scenario(
        'a second process takes over: tasks run on, the first is cut off, and what it did not acknowledge comes',
        'the first of two living processes hears that it was replaced, and nobody obeys it any more',
      ),
    ),
    behaviour(
      22,
      'Who comes after its failover time, or after its end, is refused, and its tasks are over.',
      scenario(
        'who stays away for its failover time is ended with its tasks, and its id is refused',
        'who was torn down is refused, and its tasks are killed',
      ),
    ),
    behaviour(
      24,
      'Who subscribes again has no offers from before, and is offered the same anew.',
      scenario('who subscribes anew loses its offers, and is offered the same as new ones'),
    ),
    behaviour(
      25,
      'What a process that was replaced still calls is not obeyed.',
      scenario(
        'the first of two living processes hears that it was replaced, and nobody obeys it any more',
      ),
    ),
    behaviour(
      26,
      'What a framework says of itself when it subscribes again counts; its principal stays.',
      [
        ...scenario(
          'what a framework subscribes with anew counts from then on',
          'a framework of the same id and another principal is another framework',
        ),
        ...inFile(
          'scenario/terms',
          'an update counts whole or not at all, and what it does not name stays',
        ),
      ],
      different('0019', 'the principal is in the subject: another one is another framework'),
    ),
    behaviour(
      28,
      'Roles that are added get offers, those that are left lose theirs, revived ones their filters.',
      inFile(
        'scenario/terms',
        'a role that is added gets offers; one that is left loses its own, and no others',
        'a role that is suppressed no longer is asked at once, whatever it had declined',
      ),
    ),
    behaviour(
      29,
      'Who subscribes with all roles suppressed is offered nothing until it revives.',
      scenario('who subscribes suppressed, new or again, is offered nothing until it revives'),
    ),
    behaviour(
      30,
      'A framework that the leader cannot reach is told so when it calls, and starts anew.',
      [
        ...scenario(
          'who hears nothing of the leader is away: its offers are free, its calls refused until it subscribes',
        ),
        ...inFile(
          'unit/actors/scheduler/session',
          'silence counts after three pings, and only if our own echo comes back',
        ),
      ],
    ),
    behaviour(
      32,
      'After a takeover a framework that is not back is listed with its tasks, and can be ended.',
      scenario(
        'after a takeover the tasks of a framework that has not returned are listed, and an operator may end it',
      ),
    ),
    behaviour(
      33,
      'A call that names no stream, or a wrong one, is refused.',
      [],
      otherTransport(
        'there are no streams; what names a session that is over is refused, as in 25',
      ),
    ),
  ],
}

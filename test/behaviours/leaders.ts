/** Leaders that change, and what is written down for them. */
import { behaviour, different, inFile, notYet, otherTransport, type Section } from './behaviour.ts'

const registry = (...titles: readonly string[]) => inFile('unit/actors/master/registry', ...titles)

export const LEADERS: Section = {
  title: 'Leaders and the registry',
  numbers: [53, 54, 56, 57, 58, 60],
  behaviours: [
    behaviour(
      53,
      'After a takeover, whoever comes first, all is as before and nothing is offered twice.',
      [
        ...inFile(
          'scenario/absences',
          'after a takeover all is as before when the framework came first, and nothing is offered twice',
          'after a takeover all is as before when agents came first, and nothing is offered twice',
        ),
        ...inFile(
          'scenario/takeovers',
          'a framework that answers the new leader in time loses nothing by a takeover',
        ),
      ],
    ),
    behaviour(
      54,
      'An agent that does not come back to a new leader is unreachable; who asks hears so.',
      inFile(
        'scenario/reconciliation',
        'an agent that does not come back to a new leader is unreachable, of which only who asks hears',
      ),
    ),
    behaviour(
      56,
      'What the registry does not take is not done.',
      [
        ...registry(
          'a registry that cannot be read at the takeover is asked again',
          'while the registry is away, a framework has four changes wait there and no more',
        ),
        ...inFile(
          'unit/actors/master/lease',
          'a store that does not answer takes the lead at the deadline, and not before',
        ),
      ],
      different(
        '0022',
        'what waits is written when the store is back; the lease decides who leads',
      ),
    ),
    behaviour(
      57,
      'What is in the registry is there for every later leader, and written once.',
      [
        ...registry(
          'a batch that was stored, but never answered, is not stored twice',
          'an agent that was unreachable stays so, and one admitted again does not',
          'an ended framework stays ended, whatever was written behind its end',
        ),
        ...inFile(
          'unit/actors/master/gone',
          'who is gone is gone for every later leader, whatever was written meanwhile',
        ),
        ...inFile('scenario/quota', 'a quota outlives its leader'),
        ...inFile('scenario/roles', 'a weight outlives its leader, and shares follow it'),
      ],
      notYet('maintenance and draining'),
    ),
    behaviour(
      58,
      'A registry that asks for more than this master knows is refused at the start.',
      [],
      notYet('a registry that names what its readers must know'),
    ),
    behaviour(
      60,
      'A replica that is behind catches up, and without a quorum nothing is written.',
      [],
      otherTransport('the log is a stream of JetStream, which is replicated by NATS'),
    ),
  ],
}

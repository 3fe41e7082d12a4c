/** What operators and frameworks change: reservations, volumes, quotas, weights. */
import { behaviour, inFile, notYet, type Section } from './behaviour.ts'

const quota = (...titles: readonly string[]) => inFile('scenario/quota', ...titles)
const RESERVATIONS = notYet('reservations and volumes')

export const OPERATORS: Section = {
  title: 'Reservations, volumes, quotas and weights',
  numbers: [113, 114, 116, 117, 118, 120],
  behaviours: [
    behaviour(
      113,
      'One accept reserves, makes a volume and starts a task on it; later all of it is undone.',
      [],
      RESERVATIONS,
    ),
    behaviour(
      114,
      'A reservation that is too large, forbidden or for another role is passed over alone.',
      [],
      RESERVATIONS,
    ),
    behaviour(
      116,
      'An operator reserves what is on offer: as few offers as it takes are taken back.',
      [],
      RESERVATIONS,
    ),
    behaviour(117, 'A volume that grows is no use to a task of the same accept.', [], RESERVATIONS),
    behaviour(
      118,
      'Quotas that cannot be kept are refused unless forced; of a list all count or none.',
      quota(
        'a quota of more than the cluster has is refused, and with it all of its call',
        'a quota of more than the cluster has, in all is refused, and with it all of its call',
        'a quota with a limit below what is used is refused, and with it all of its call',
        'a quota with a guarantee above its limit is refused, and with it all of its call',
        'a quota of a nested role is refused, and with it all of its call',
        'what cannot be kept is set all the same if it is forced',
      ),
    ),
    behaviour(
      120,
      'A weight outlives its leader, and what is on offer is shared anew.',
      inFile(
        'scenario/roles',
        'a weight outlives its leader, and shares follow it',
        'a new weight takes back what is on offer, and it is shared anew',
      ),
    ),
  ],
}

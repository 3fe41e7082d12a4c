/** Each kind of isolation that this machine and this user allow; a weaker one stands in else. */
import test from 'ava'
import { realMachine } from '../support/containers.ts'
import { confinementContract } from './confinement-contract.ts'
import { containerizerContract } from './containerizer-contract.ts'

containerizerContract(test, 'processes', () => realMachine())
containerizerContract(test, 'processes in a pid namespace', () => realMachine('pid-namespace'))
containerizerContract(test, 'processes in a session', () => realMachine('session'))

confinementContract(test, 'processes', () => realMachine())
confinementContract(test, 'processes in a pid namespace', () => realMachine('pid-namespace'))
confinementContract(test, 'processes in a session', () => realMachine('session'))

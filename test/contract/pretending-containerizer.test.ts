import test from 'ava'
import { pretendingMachine } from '../support/containers.ts'
import { containerizerContract } from './containerizer-contract.ts'

containerizerContract(test, 'pretending', pretendingMachine)

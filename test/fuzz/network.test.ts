/** Any bytes at all from the network: no uncaught error, no wait without end, no connection left open. See `network/`. */
import '../helpers/environment.ts'
import { fuzz } from './harness.ts'
import { NETWORK } from './targets/network.ts'

fuzz(NETWORK, 3000)

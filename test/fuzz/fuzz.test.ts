/** Any input at all: no crash, no hang, and nothing accepted that should not be. See `harness.ts`. */
import '../helpers/environment.ts'
import { fuzz } from './harness.ts'
import { BODIES } from './targets/bodies.ts'
import { BUNDLES } from './targets/bundles.ts'
import { FILES } from './targets/files.ts'
import { HEADERS } from './targets/headers.ts'
import { OPTIONS } from './targets/options.ts'
import { URLS } from './targets/urls.ts'

fuzz([...BUNDLES, ...FILES, ...HEADERS, ...URLS, ...BODIES, ...OPTIONS])

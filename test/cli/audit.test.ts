/** `vouch audit`: no miss and no false alarm in trees of files as projects have them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { allRules } from '../../src/cli/audit/rules.ts'
import { isRoot, onPosix } from '../helpers/platform.ts'
import { makeFifo, outputOf, run } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'
import { main, vouch } from './vouch.ts'

/** A file and, for each place that is to be found in it, its line and rule. */
type Row = readonly [file: string, text: string, ...places: string[]]

const POSITIVE: readonly Row[] = [
  ['agent.ts', 'new https.Agent({ keepAlive: true, rejectUnauthorized: false })', '1 reject-unauthorized'],
  ['quoted.js', "const options = { 'rejectUnauthorized': !1 }", '1 reject-unauthorized'],
  ['typed.ts', 'const ssl = { ssl: { rejectUnauthorized: false } as any }', '1 reject-unauthorized'],
  ['assigned.mjs', 'options.rejectUnauthorized = false\nnext()', '1 reject-unauthorized'],
  ['computed.cjs', "options['rejectUnauthorized'] = 0;", '1 reject-unauthorized'],
  ['default.ts', 'function connect({ rejectUnauthorized = false } = {}) {}', '1 reject-unauthorized'],
  ['page.tsx', 'const a = <p title="it\'s">{get({ rejectUnauthorized: false })}</p>', '1 reject-unauthorized'],
  ['config.json', '{\n  "ssl": { "rejectUnauthorized": false }\n}', '2 reject-unauthorized'],
  [
    'server.ts',
    'https.createServer({ key, requestCert: true, rejectUnauthorized: false })',
    '1 reject-unauthorized-server',
  ],
  ['process.ts', "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'", '1 node-tls-reject-unauthorized'],
  ['bracket.ts', 'process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = 0', '1 node-tls-reject-unauthorized'],
  [
    'spawn.ts',
    "spawn('x', { env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' } })",
    '1 node-tls-reject-unauthorized',
  ],
  ['exec.ts', "exec('cross-env NODE_TLS_REJECT_UNAUTHORIZED=0 npm start')", '1 node-tls-reject-unauthorized'],
  ['arrow.ts', 'tls.connect({ checkServerIdentity: () => undefined, host })', '1 check-server-identity'],
  [
    'block.ts',
    'const o = { checkServerIdentity: (_host: string, _cert) => { return undefined; } }',
    '1 check-server-identity',
  ],
  ['method.ts', 'const o = { checkServerIdentity() {}, x: 1 }', '1 check-server-identity'],
  ['function.js', 'o.checkServerIdentity = function (host, cert) { return; }', '1 check-server-identity'],
  ['noop.js', 'const o = { checkServerIdentity: _.noop }', '1 check-server-identity'],
  ['session.ts', "import { Session } from 'vouch'\nnew Session({ verify: false })", '2 verify-false'],
  ['dynamic.ts', "const { tlsOptions } = await import('vouch')\nconnect(tlsOptions(false))", '2 verify-false'],
  ['request.js', 'request({ url, strictSSL: false })', '1 strict-ssl'],
  ['mongo.ts', 'new MongoClient(url, { tlsAllowInvalidCertificates: true })', '1 database-option'],
  ['mssql.ts', "const config = { server: 'db', options: { trustServerCertificate: true } }", '1 database-option'],
  ['pg.ts', "new Pool({ connectionString: 'postgres://u:hunter2@db/app?sslmode=no-verify' })", '1 connection-string'],
  ['url.ts', 'const url = `mongodb://db/app?tlsInsecure=true&w=1`', '1 connection-string'],
  ['browser.ts', 'await chromium.launch({ ignoreHTTPSErrors: true })', '1 browser'],
  [
    'package.json',
    '{"scripts":{\n"a":"NODE_TLS_REJECT_UNAUTHORIZED=0 node x",\n"b":"cd x && curl -k y"}}',
    '2 node-tls-reject-unauthorized',
    '3 curl',
  ],
  [
    '.env',
    'A=1\nexport NODE_TLS_REJECT_UNAUTHORIZED="0"\nURL=postgres://u:hunter2@h/db?sslmode=no-verify',
    '2 node-tls-reject-unauthorized',
    '3 connection-string',
  ],
  ['.env.production', 'PGSSLMODE=no-verify', '1 connection-string'],
  [
    'Dockerfile',
    'FROM node\nENV NODE_TLS_REJECT_UNAUTHORIZED 0\nRUN npm config set strict-ssl false && npm ci\nRUN curl -fsSL \\\n  --insecure https://x',
    '2 node-tls-reject-unauthorized',
    '3 npm-strict-ssl',
    '5 curl',
  ],
  [
    'build.dockerfile',
    'ENV A=1 NODE_TLS_REJECT_UNAUTHORIZED=0\nRUN --mount=type=cache,target=/x wget --no-check-certificate y',
    '1 node-tls-reject-unauthorized',
    '2 curl',
  ],
  ['k8s.yaml', 'env:\n  - name: NODE_TLS_REJECT_UNAUTHORIZED\n    value: "0"', '2 node-tls-reject-unauthorized'],
  ['compose.yml', "environment:\n  NODE_TLS_REJECT_UNAUTHORIZED: '0'\n  OTHER: '1'", '2 node-tls-reject-unauthorized'],
  [
    'ci.yml',
    'steps:\n  - run: "curl -k x"\n  - run: |\n      set -e\n      sudo curl -sSLk y\n  - command: ["curl", "-k", "z"]',
    '2 curl',
    '5 curl',
    '6 curl',
  ],
  ['kubeconfig.yaml', 'clusters:\n- cluster: {insecure-skip-tls-verify: true}', '2 kubernetes'],
  ['prometheus.yml', 'tls_config:\n  insecure_skip_verify: true', '2 config-key'],
  ['.npmrc', 'registry=https://x\nstrict-ssl = false', '2 npm-strict-ssl'],
  ['.yarnrc.yml', 'enableStrictSsl: false', '1 npm-strict-ssl'],
  ['.curlrc', '# mine\ninsecure', '2 curl'],
  [
    'deploy',
    '#!/usr/bin/env bash\ngit -c http.sslVerify=false clone x\nkubectl --insecure-skip-tls-verify=true get pods\npip install --trusted-host x y',
    '2 git',
    '3 kubernetes',
    '4 python',
  ],
  [
    'run.sh',
    'x=$(curl -k https://x)\nbash -c "curl --insecure y"\nif curl -sk z; then :; fi\nGIT_SSL_NO_VERIFY=1 git pull',
    '1 curl',
    '2 curl',
    '3 curl',
    '4 git',
  ],
  ['Makefile', 'all:\n\t@curl -k https://x', '2 curl'],
]

const NEGATIVE: readonly Row[] = [
  [
    'true.ts',
    'const a = { rejectUnauthorized: true }\nprocess.env.NODE_TLS_REJECT_UNAUTHORIZED = "1"\ndelete process.env.NODE_TLS_REJECT_UNAUTHORIZED',
  ],
  ['comments.ts', '// rejectUnauthorized: false\n/* process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0" */'],
  [
    'words.ts',
    'throw new Error("set NODE_TLS_REJECT_UNAUTHORIZED=0? No: rejectUnauthorized: false is wrong, and so is curl -k")',
  ],
  ['compared.ts', 'if (o.rejectUnauthorized === false) warn()\nconst b = cond ? rejectUnauthorized : false'],
  ['decided.ts', 'const d = { rejectUnauthorized: env !== "test" }\nconst g = { rejectUnauthorized: false || strict }'],
  ['regex.ts', 'const re = /rejectUnauthorized: false/'],
  ['checked.ts', 'const c = { checkServerIdentity: (host, cert) => tls.checkServerIdentity(host, cert) }'],
  ['other.ts', 'bodyParser.json({ verify: false }); cookie({ secure: false }); jwt.verify(token, false)'],
  [
    'types.d.ts',
    'interface Options { rejectUnauthorized?: boolean; checkServerIdentity(host: string): Error | undefined }',
  ],
  ['pg.ts', "new Pool({ connectionString: 'postgres://u@db/app?sslmode=verify-full' })"],
  ['mongo.ts', 'new MongoClient(url, { tlsAllowInvalidCertificates: false })'],
  [
    '.env',
    '# NODE_TLS_REJECT_UNAUTHORIZED=0\nNODE_TLS_REJECT_UNAUTHORIZED=1\nMY_NODE_TLS_REJECT_UNAUTHORIZED=0\nX=1 # NODE_TLS_REJECT_UNAUTHORIZED=0',
  ],
  ['.npmrc', '; strict-ssl=false\nstrict-ssl=true'],
  ['Dockerfile', '# RUN curl -k x\nRUN curl -o k https://x && curl -dk https://y && apt-get install -y curl -k'],
  [
    'run.sh',
    'curl -H "X: -k" x\ngrep -k curl\necho "never use curl -k"\ncurl -sS https://x | tar -k\ncurl -K conf https://x',
  ],
  [
    'k8s.yaml',
    'env:\n  - name: NODE_TLS_REJECT_UNAUTHORIZED\n    value: "1"\n  - name: RETRIES\n    value: "0"\ndescription: never use curl -k',
  ],
  ['README.md', 'Never write `rejectUnauthorized: false`.'],
  ['notes', 'curl -k'],
  ['kept.ts', '// vouch-audit: the test of the refusal itself\nconst h = { rejectUnauthorized: false }'],
  ['kept.sh', '#!/bin/sh\n# vouch-audit: a box without a certificate, on a cable of its own\ncurl -k https://x'],
]

for (const [file, text, ...places] of [...POSITIVE, ...NEGATIVE]) {
  test(`${file}: ${text.replaceAll('\n', '⏎')}: ${places.join(', ') || 'nothing'}`, async () => {
    using dir = tempDir()
    dir.write(file, text)
    const { status, stdout } = await vouch(dir, 'audit --json')
    const { findings } = JSON.parse(stdout)
    assert.deepEqual(
      findings.map((each: { line: number; rule: string }) => `${each.line} ${each.rule}`),
      places,
    )
    assert.equal(status, places.length > 0 ? 1 : 0)
  })
}

test('a finding names the place, what it opens, what to write for the client of the file, and a page; no password', async () => {
  using dir = tempDir()
  dir.write(
    'a.ts',
    "import axios from 'axios'\nconst a = { rejectUnauthorized: false }\nconst u = 'pg://u:hunter2@h/?sslmode=no-verify'\n",
  )
  const { stdout, stderr, status } = await vouch(dir, 'audit a.ts')
  assert.match(stdout, /^a\.ts:2:13 {2}rejectUnauthorized: false\n {2}opens {2}any certificate is accepted/)
  assert.match(stdout, /httpsAgent: trustedAgent\(\{ verify: 'ca\.pem' \}\)/)
  assert.match(stdout, /node_modules\/vouch\/docs\/reference\/audit\.md#reject-unauthorized/)
  assert.doesNotMatch(stdout, /hunter2/)
  assert.match(stderr, /2 places switch verification off, in 1 file looked at/)
  assert.equal(status, 1)
})

test('a comment without a reason silences nothing', async () => {
  using dir = tempDir()
  dir.write('a.ts', '// vouch-audit:\nconst a = { rejectUnauthorized: false }\n')
  assert.equal((await vouch(dir, 'audit')).status, 1)
})

test('what .gitignore names is left out as git does, and node_modules; what is named on the command line is not', async () => {
  using dir = tempDir()
  const bad = 'const a = { rejectUnauthorized: false }'
  await outputOf('git', ['init', '-q', dir.path])
  dir.write('.gitignore', 'dist/\n*.gen.ts\n!kept.gen.ts\n')
  for (const file of ['dist/a.js', 'src/a.gen.ts', 'src/kept.gen.ts', 'src/deep/x.ts', 'node_modules/a/index.js'])
    dir.write(file, bad)
  dir.write('src/.gitignore', 'deep\n')
  const pathsOf = async (line: string) =>
    JSON.parse((await vouch(dir, line)).stdout).findings.map(({ path }: { path: string }) => path)
  assert.deepEqual(await pathsOf('audit --json'), ['src/kept.gen.ts'])
  assert.deepEqual(await pathsOf('audit src --json'), ['src/kept.gen.ts'])
  assert.deepEqual(await pathsOf('audit dist src/deep/x.ts --json'), ['dist/a.js', 'src/deep/x.ts'])
})

test('a FIFO or a device hangs no audit', onPosix, async () => {
  using dir = tempDir()
  makeFifo(dir.join('fifo'))
  makeFifo(dir.join('.gitignore'))
  dir.write('a.js', 'x = { rejectUnauthorized: false }')
  for (const name of ['fifo', '/dev/zero']) {
    const { status, stderr } = await vouch(dir, `audit ${name}`)
    assert.equal(status, 2)
    assert.match(stderr, /^vouch: error: cannot read '.*': it is neither a file nor a directory\n$/)
  }
  assert.equal((await vouch(dir, 'audit')).status, 1)
})

test('what was not looked at is listed: huge, binary and unreadable files, and links', async () => {
  using dir = tempDir()
  dir.write('huge.js', 'x'.repeat(2_000_001))
  dir.write('binary.js', 'a\0b')
  dir.write('closed.js', 'a')
  chmodSync(dir.join('closed.js'), 0)
  symlinkSync('huge.js', dir.join('link.js'))
  const { stdout } = await vouch(dir, 'audit --json')
  const unread = JSON.parse(stdout).unread.map(({ path, why }: { path: string; why: string }) => `${path}: ${why}`)
  const closed = isRoot ? [] : ['closed.js: permission denied']
  assert.deepEqual(unread.sort(), [
    'binary.js: it is binary',
    ...closed,
    'huge.js: it is larger than 2 MB',
    'link.js: a symbolic link, which is not followed',
  ])
})

test('--sarif is what code scanners read: rules, results with places, paths as URIs', async () => {
  using dir = tempDir()
  dir.write('a b/ü.ts', '\nconst a = { rejectUnauthorized: false }')
  const { stdout } = await vouch(dir, 'audit --sarif')
  const { version, runs } = JSON.parse(stdout)
  const [{ tool, results }] = runs
  assert.equal(version, '2.1.0')
  assert.deepEqual(results[0].locations[0].physicalLocation, {
    artifactLocation: { uri: 'a%20b/%C3%BC.ts' },
    region: { startLine: 2, startColumn: 13 },
  })
  assert(tool.driver.rules.some(({ id }: { id: string }) => id === results[0].ruleId))
})

test('a path that is not there, and two formats at once, are wrong usage', async () => {
  using dir = tempDir()
  for (const line of ['audit missing', 'audit --json --sarif', 'audit --nope']) {
    assert.equal((await vouch(dir, line)).status, 2, line)
  }
})

test('docs/reference/audit.md has a section for each rule, and no other', () => {
  const sections = [...readFileSync('docs/reference/audit.md', 'utf8').matchAll(/^### `?([\w-]+)`?$/gm)].map(
    ([, id]) => id,
  )
  assert.deepEqual(
    sections,
    allRules().map(({ id }) => id),
  )
})

test('this project itself switches verification off nowhere without a reason', async () => {
  using dir = tempDir()
  const folders = ['src', 'docs', 'scripts', 'bench'].map((name) => resolve(name))
  const { stdout } = await run(process.execPath, [main, 'audit', '--json', ...folders], { cwd: dir.path })
  const open = JSON.parse(stdout).findings.map(({ path, line }: { path: string; line: number }) => `${path}:${line}`)
  assert.deepEqual(open, [])
})

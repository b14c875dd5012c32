/** The ways to disable verification that `vouch audit` knows: the risk of each, and its replacement. */

/** One way. Its id is an anchor of docs/reference/audit.md. */
export interface Rule {
  readonly id: RuleId
  /** What it opens, in a sentence. */
  readonly opens: string
  /** What to write instead; the names of the modules that the file imports choose the line. */
  readonly instead: (modules: ReadonlySet<string>) => string
}

export type RuleId =
  | 'reject-unauthorized'
  | 'reject-unauthorized-server'
  | 'node-tls-reject-unauthorized'
  | 'check-server-identity'
  | 'verify-false'
  | 'strict-ssl'
  | 'npm-strict-ssl'
  | 'connection-string'
  | 'database-option'
  | 'browser'
  | 'kubernetes'
  | 'curl'
  | 'git'
  | 'python'
  | 'config-key'

const ANY_CERTIFICATE = 'any certificate is accepted: an attacker in between can read and change the traffic'

const RULES: readonly Rule[] = [
  { id: 'reject-unauthorized', opens: ANY_CERTIFICATE, instead: forClient },
  {
    id: 'reject-unauthorized-server',
    opens: 'clients are let in with a certificate of any CA, or with none',
    instead: () => 'requestCert: true, rejectUnauthorized: true, ca: readFileSync(CLIENT_CA)',
  },
  {
    id: 'node-tls-reject-unauthorized',
    opens: `in every TLS connection of the whole process ${ANY_CERTIFICATE}`,
    instead: () => 'REQUESTS_CA_BUNDLE=ca.pem and node --import vouch/register, or NODE_EXTRA_CA_CERTS=ca.pem',
  },
  {
    id: 'check-server-identity',
    opens: 'the name in the certificate is not compared: any certificate of a trusted CA is accepted for any host',
    instead: (modules) => `leave the option out, or ${forClient(modules)}`,
  },
  {
    id: 'verify-false',
    opens: ANY_CERTIFICATE,
    instead: () => "verify: 'ca.pem', the file of the server's certificate or of its CA",
  },
  {
    id: 'strict-ssl',
    opens: ANY_CERTIFICATE,
    instead: () => "ca: readFileSync('ca.pem'), or get(url, { verify: 'ca.pem' })",
  },
  {
    id: 'npm-strict-ssl',
    opens: 'packages are installed from any server that answers in place of the registry',
    instead: () => 'cafile=/path/to/company-ca.pem in .npmrc, or NODE_EXTRA_CA_CERTS=company-ca.pem',
  },
  {
    id: 'connection-string',
    opens: `the database connection is encrypted, but ${ANY_CERTIFICATE}`,
    instead: () => 'sslmode=verify-full&sslrootcert=ca.pem, tlsCAFile=ca.pem, or ssl: tlsOptions(PATH) in code',
  },
  { id: 'database-option', opens: `the database connection is encrypted, but ${ANY_CERTIFICATE}`, instead: forClient },
  {
    id: 'browser',
    opens: 'the browser opens pages of any server, whatever certificate it presents',
    instead: () =>
      'add the CA to the store of the browser, with certutil -A -n NAME -t C,, -i ca.pem -d sql:$HOME/.pki/nssdb',
  },
  {
    id: 'kubernetes',
    opens: 'the credentials of the cluster are sent to any server that answers in its place',
    instead: () => 'certificate-authority: ca.pem in the kubeconfig, or --certificate-authority=ca.pem',
  },
  {
    id: 'curl',
    opens: ANY_CERTIFICATE,
    instead: () => 'curl --cacert ca.pem, wget --ca-certificate=ca.pem, http --verify=ca.pem',
  },
  {
    id: 'git',
    opens: 'code is fetched from any server that answers, and credentials are sent there',
    instead: () => 'git config http.sslCAInfo /path/to/company-ca.pem',
  },
  {
    id: 'python',
    opens: ANY_CERTIFICATE,
    instead: () => 'REQUESTS_CA_BUNDLE=ca.pem, SSL_CERT_FILE=ca.pem, or pip --cert ca.pem',
  },
  {
    id: 'config-key',
    opens: ANY_CERTIFICATE,
    instead: () => "name the CA in the program's own option for it (ca, cafile, ca_file, caBundle), and drop this one",
  },
]

const BY_ID: ReadonlyMap<RuleId, Rule> = new Map(RULES.map((rule) => [rule.id, rule]))

export function ruleOf(id: RuleId): Rule {
  return BY_ID.get(id) as Rule
}

/** All rules, for the description that code scanners want. */
export function allRules(): readonly Rule[] {
  return RULES
}

/** The line for each client, in the order in which they are looked for. docs/guides/other-clients.md tries each. */
const CLIENTS: readonly (readonly [module: RegExp, line: string])[] = [
  [/^axios$/, "axios.get(url, { httpsAgent: trustedAgent({ verify: 'ca.pem' }) })"],
  [/^got$/, "got(url, { agent: { https: trustedAgent({ verify: 'ca.pem' }) } })"],
  [/^node-fetch$/, "fetch(url, { agent: trustedAgent({ verify: 'ca.pem' }) })"],
  [/^undici$/, "new Agent({ connect: tlsOptions('ca.pem') })"],
  [/^(?:pg|postgres|knex|sequelize|typeorm|pg-promise)$/, "ssl: tlsOptions('ca.pem')"],
  [/^mysql2?(?:\/|$)/, "ssl: { ca: readFileSync('ca.pem'), verifyIdentity: true }"],
  [/^(?:mongodb|mongoose)$/, "tlsCAFile: 'ca.pem'"],
  [
    /^(?:mssql|tedious)$/,
    "options: { trustServerCertificate: false, cryptoCredentialsDetails: { ca: readFileSync('ca.pem') } }",
  ],
  [/^(?:ioredis|redis)$/, "tls: tlsOptions('ca.pem')"],
  [/^nodemailer$/, "tls: tlsOptions('ca.pem')"],
  [/^ws$/, "new WebSocket(url, tlsOptions('ca.pem'))"],
  [/^(?:node:)?tls$/, "tls.connect({ host, port, servername: host, ...tlsOptions('ca.pem') })"],
  [/^vouch$/, "verify: 'ca.pem'"],
]

function forClient(modules: ReadonlySet<string>): string {
  for (const [pattern, line] of CLIENTS) {
    if ([...modules].some((name) => pattern.test(name))) return line
  }
  return "agent: trustedAgent({ verify: 'ca.pem' }), of vouch; for options of tls.connect, tlsOptions('ca.pem')"
}

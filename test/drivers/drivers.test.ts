/** Clients of databases, mail and message servers with vouch's trust, as docs/guides/other-clients.md has them; real clients, real servers. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import tls from 'node:tls'
import { CABundle, type TrustedTlsOptions, tlsOptions } from '../../src/index.ts'
import { startExim, startMariaDB, startPostgres, startRedis } from '../helpers/debian-servers.ts'
import { createAuthority, type TestCertificate } from '../helpers/pki.ts'
import { isRoot } from '../helpers/platform.ts'
import { type RunningProgram, whyNo } from '../helpers/programs.ts'
import { startServer } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp.ts'

/** They are installed apart: `npm ci --prefix test/drivers`. */
const require = createRequire(import.meta.url)
const INSTALL = 'npm ci --prefix test/drivers'

function whyNoPackage(name: string): string | false {
  try {
    require.resolve(name)
    return false
  } catch {
    return `no ${name}: ${INSTALL}`
  }
}

/** What the tests use of the clients. */
interface Clients {
  pg: { Client: new (options: object) => PgClient }
  'mysql2/promise': { createConnection(options: object): Promise<MySqlConnection> }
  nodemailer: { createTransport(options: object): Mailer }
  ioredis: new (options: object) => RedisClient
  mongodb: { MongoClient: new (url: string, options: object) => MongoClient }
}

interface PgClient {
  on(event: 'error', listener: () => void): void
  connect(): Promise<void>
  query(text: string): Promise<{ rows: { ssl: boolean }[] }>
  end(): Promise<void>
}
interface MySqlConnection {
  query(text: string): Promise<[{ Value: string }[]]>
  end(): Promise<void>
}
interface Mailer {
  sendMail(message: object): Promise<{ response: string }>
  close(): void
}
interface RedisClient {
  on(event: 'error', listener: (error: Error) => void): void
  connect(): Promise<void>
  ping(): Promise<string>
  disconnect(): void
}
interface MongoClient {
  connect(): Promise<void>
  close(): Promise<void>
}

const load = <Name extends keyof Clients>(name: Name): Clients[Name] => require(name)

const ca = createAuthority()
const dir = tempDir()
process.once('exit', () => dir[Symbol.dispose]())
const bundle = dir.write('company-ca.pem', ca.certificate)

/** Connects with what the docs say, and asks the server for something. */
type Ask = (host: string, port: number, trusted: TrustedTlsOptions) => Promise<void>

interface Case {
  readonly client: keyof Clients
  readonly program: string
  readonly start: (pair: TestCertificate) => Promise<RunningProgram>
  readonly ask: Ask
  /** Whether an address is checked as one; mysql2 takes it for `localhost`. */
  readonly knowsAddresses: boolean
}

const CASES: readonly Case[] = [
  {
    client: 'pg',
    program: 'postgres',
    start: startPostgres,
    knowsAddresses: true,
    async ask(host, port, trusted) {
      const client = new (load('pg').Client)({ host, port, user: 'vouch', database: 'postgres', ssl: trusted })
      client.on('error', () => {})
      try {
        await client.connect()
        const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
        assert.equal(rows[0]?.ssl, true)
      } finally {
        await client.end()
      }
    },
  },
  {
    client: 'mysql2/promise',
    program: 'mariadbd',
    start: startMariaDB,
    knowsAddresses: false,
    async ask(host, port) {
      const ca = CABundle.from(bundle).certificates.map(String)
      const options = { host, port, user: 'ada', ssl: { ca, verifyIdentity: true } }
      const connection = await load('mysql2/promise').createConnection(options)
      const [[row]] = await connection.query("show status like 'Ssl_version'")
      assert.match(row?.Value ?? '', /^TLSv1\.[23]$/)
      await connection.end()
    },
  },
  {
    client: 'nodemailer',
    program: 'exim4',
    start: startExim,
    knowsAddresses: true,
    async ask(host, port, trusted) {
      const mailer = load('nodemailer').createTransport({ host, port, requireTLS: true, tls: trusted })
      try {
        const message = { from: 'ada@localhost', to: 'bob@localhost', subject: 'Hello', text: 'Hello' }
        assert.match((await mailer.sendMail(message)).response, /^250 /)
      } finally {
        mailer.close()
      }
    },
  },
  {
    client: 'ioredis',
    program: 'redis-server',
    start: startRedis,
    knowsAddresses: true,
    async ask(host, port, trusted) {
      const Redis = load('ioredis')
      const redis = new Redis({ host, port, tls: trusted, lazyConnect: true, retryStrategy: () => null })
      let failure: Error | undefined
      redis.on('error', (error) => {
        failure = error
      })
      try {
        await redis.connect()
        assert.equal(await redis.ping(), 'PONG')
      } catch (error) {
        throw failure ?? error
      } finally {
        redis.disconnect()
      }
    },
  },
]

/** Debian's Exim is started by root, or by its own user. */
const whyNotRoot = isRoot ? false : 'exim4 is started by root only'

/** Node's words and ours. */
const NOT_TRUSTED = /unable to (?:get local issuer|verify the first) certificate/
const WRONG_NAME = /mismatch|does not match certificate's altnames/

for (const { client, program, start, ask, knowsAddresses } of CASES) {
  const skip = whyNoPackage(client) || whyNo(program) || (program === 'exim4' && whyNotRoot)
  test(`${client} accepts a server of the trusted CA, and refuses a stranger and another host`, { skip }, async () => {
    {
      await using server = await start(ca.issue({ hosts: ['localhost', '127.0.0.1'] }))
      for (const host of ['localhost', '127.0.0.1']) await ask(host, server.port, tlsOptions(bundle))
    }
    {
      await using stranger = await start(createAuthority().issue({ hosts: ['localhost', '127.0.0.1'] }))
      await assert.rejects(ask('localhost', stranger.port, tlsOptions(bundle)), NOT_TRUSTED)
    }
    {
      await using misnamed = await start(ca.issue({ hosts: ['other.example'] }))
      for (const host of ['localhost', '127.0.0.1'])
        await assert.rejects(ask(host, misnamed.port, tlsOptions(bundle)), WRONG_NAME)
    }
    await using byName = await start(ca.issue({ hosts: ['localhost'] }))
    if (knowsAddresses) await assert.rejects(ask('127.0.0.1', byName.port, tlsOptions(bundle)), WRONG_NAME)
    else await ask('127.0.0.1', byName.port, tlsOptions(bundle))
  })
}

test('mysql2 takes no secureContext, and checks no name without verifyIdentity', {
  skip: whyNoPackage('mysql2') || whyNo('mariadbd'),
}, async () => {
  const { createConnection } = load('mysql2/promise')
  await using misnamed = await startMariaDB(ca.issue({ hosts: ['other.example'] }))
  const server = { host: 'localhost', port: misnamed.port, user: 'ada' }
  await assert.rejects(createConnection({ ...server, ssl: { ...tlsOptions(bundle) } }), NOT_TRUSTED)
  await (await createConnection({ ...server, ssl: { ca: ca.certificate } })).end()
})

test("the sslmode of a connection string replaces pg's ssl", {
  skip: whyNoPackage('pg') || whyNo('postgres'),
}, async () => {
  await using stranger = await startPostgres(createAuthority().issue())
  await using server = await startPostgres(ca.issue())
  const connect = async (port: number, query: string) => {
    const connectionString = `postgres://vouch@localhost:${port}/postgres${query}`
    const client = new (load('pg').Client)({ connectionString, ssl: tlsOptions(bundle) })
    client.on('error', () => {})
    try {
      await client.connect()
    } finally {
      await client.end()
    }
  }
  await connect(server.port, '')
  await assert.rejects(connect(stranger.port, ''), NOT_TRUSTED)
  await assert.rejects(connect(server.port, '?sslmode=verify-full'), NOT_TRUSTED)
  await connect(stranger.port, '?sslmode=no-verify')
})

test('nodemailer sends in the clear to a server without STARTTLS, unless TLS is required', {
  skip: whyNoPackage('nodemailer') || whyNo('exim4') || whyNotRoot,
}, async () => {
  await using server = await startExim(undefined)
  const send = (options: object) =>
    load('nodemailer')
      .createTransport({ host: 'localhost', port: server.port, tls: tlsOptions(bundle), ...options })
      .sendMail({ from: 'ada@localhost', to: 'bob@localhost', text: 'Hello' })
  assert.match((await send({})).response, /^250 /)
  await assert.rejects(send({ requireTLS: true }), /STARTTLS/)
})

test('mongodb hands its options to TLS: a server of the trusted CA is accepted, others are refused', {
  skip: whyNoPackage('mongodb'),
}, async () => {
  const { MongoClient } = load('mongodb')
  /** Whether the driver sent its first command to a server that has this certificate. */
  const reaches = async ({ key, chain: cert }: TestCertificate, host: string) => {
    let commands = 0
    const listener = tls.createServer({ key, cert }, (socket) => {
      socket
        .on('error', () => {})
        .once('data', () => {
          commands++
          socket.destroy()
        })
    })
    await using server = await startServer(listener.on('tlsClientError', () => {}))
    const options = { tls: true, ...tlsOptions(bundle), serverSelectionTimeoutMS: 500, directConnection: true }
    const client = new MongoClient(`mongodb://${host}:${server.port}/`, options)
    await assert.rejects(client.connect(), { name: 'MongoServerSelectionError' })
    await client.close()
    return commands > 0
  }
  const good = ca.issue({ hosts: ['localhost', '127.0.0.1'] })
  assert.equal(await reaches(good, 'localhost'), true)
  assert.equal(await reaches(good, '127.0.0.1'), true)
  assert.equal(await reaches(createAuthority().issue(), 'localhost'), false)
  assert.equal(await reaches(ca.issue({ hosts: ['other.example'] }), 'localhost'), false)
  assert.equal(await reaches(ca.issue({ hosts: ['localhost'] }), '127.0.0.1'), false)
})

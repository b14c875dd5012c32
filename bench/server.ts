/** The server of the benchmark: nginx, which is faster than any client here, or where it is missing one on node:https. */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { createSelfSignedCert } from 'vouch/certs'
import { freePort, listen, listens } from '../test/helpers/ports.ts'

const BODY = '{"id":1,"name":"Ada Lovelace","tags":["a","b"],"ok":true,"n":1}'

/** A server on loopback for as long as the benchmark takes, and what is to be trusted of it. */
export class BenchServer {
  readonly url: string
  /** Such as `nginx/1.22.1`. */
  readonly software: string
  /** A bundle of its certificate alone. */
  readonly certificate: string
  /** Of that certificate. */
  readonly key: string
  /** The same with the roots that come with Node. */
  readonly bundle: string
  readonly folder: string
  readonly #child: ChildProcess

  static async start(): Promise<BenchServer> {
    const files = await certificates(mkdtempSync(join(tmpdir(), 'vouch-bench-')))
    const { stderr, error } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
    const { child, port } = error ? await startNode(files) : await startNginx(files)
    const software = error ? `node:https ${process.version}` : (/nginx\/\S+/.exec(stderr)?.[0] ?? 'nginx')
    return new BenchServer(child, software, port, files)
  }

  private constructor(child: ChildProcess, software: string, port: number, files: Files) {
    this.#child = child
    this.software = software
    this.url = `https://127.0.0.1:${port}/`
    this.folder = files.folder
    this.certificate = files.certificate
    this.key = files.key
    this.bundle = files.bundle
    process.on('exit', () => this.#end())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#end()
    await closed
  }

  #end(): void {
    this.#child.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** How many certificates the bundle has. */
export const BUNDLED = tls.rootCertificates.length + 1

type Files = Pick<BenchServer, 'folder' | 'certificate' | 'key' | 'bundle'>

async function certificates(folder: string): Promise<Files> {
  const [certificate = '', key = '', bundle = ''] = ['selfsigned.crt', 'private.key', 'bundle.pem'].map((name) =>
    join(folder, name),
  )
  await createSelfSignedCert(certificate, key, ['localhost', '127.0.0.1'])
  writeFileSync(bundle, [...tls.rootCertificates, readFileSync(certificate, 'utf8')].join('\n'))
  return { folder, certificate, key, bundle }
}

interface Started {
  readonly child: ChildProcess
  readonly port: number
}

async function startNginx({ folder, certificate, key }: Files): Promise<Started> {
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/tmp;`,
  )
  const settings = `
    daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    worker_rlimit_nofile 8192; events { worker_connections 4096; }
    http {
      access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temporary.join(' ')}
      server {
        listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.3;
        ssl_certificate ${certificate}; ssl_certificate_key ${key};
        location / { default_type application/json; return 200 '${BODY}'; }
      }
    }`
  mkdirSync(join(folder, 'tmp'))
  writeFileSync(join(folder, 'nginx.conf'), settings)
  const child = spawn('nginx', ['-e', `${folder}/error.log`, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' })
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await listens(port)) return { child, port }
    await delay(50)
  }
  throw new Error('nginx does not listen')
}

async function startNode({ certificate, key }: Files): Promise<Started> {
  const child = fork(fileURLToPath(import.meta.url), [certificate, key], { stdio: 'inherit' })
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

if (import.meta.main) {
  const [cert = '', key = ''] = process.argv.slice(2)
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(BODY)
  })
  process.send?.(await listen(server))
  process.on('disconnect', () => process.exit())
}

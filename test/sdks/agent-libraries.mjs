/**
 * Libraries that take an agent or options for TLS: each with the line of docs/guides/sdks.md, a stand-in for its service, and what it
 * is asked.
 *
 * `use` gets an `agent` of `trustedAgent`, options of `tlsOptions` as `tls`, the server's `baseURL` and `port`, and resolves if
 * the service was reached and understood.
 */
import assert from 'node:assert/strict'
import { json, text } from 'node:stream/consumers'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Client as Elasticsearch } from '@elastic/elasticsearch'
import { CoreV1Api, createConfiguration, KubeConfig, ServerConfiguration } from '@kubernetes/client-node'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Client as Minio } from 'minio'
import vault from 'node-vault'
import { Agent } from 'undici'

/** Objects of S3, by path. */
function objectService() {
  const objects = new Map()
  return async (request, response) => {
    const { pathname } = new URL(request.url, 'https://host')
    assert.match(request.headers.authorization, /^AWS4-HMAC-SHA256 Credential=key/)
    if (request.method === 'PUT') {
      objects.set(pathname, await text(request))
      return response.writeHead(200, { etag: '"1"' }).end()
    }
    const content = objects.get(pathname) ?? ''
    return response
      .writeHead(200, { 'content-length': content.length, etag: '"1"', 'last-modified': new Date().toUTCString() })
      .end(content)
  }
}

export const LIBRARIES = [
  {
    name: '@aws-sdk/client-s3',
    service: objectService(),
    async use({ agent, baseURL: endpoint }) {
      const requestHandler = new NodeHttpHandler({ httpsAgent: agent })
      const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
      const s3 = new S3Client({
        requestHandler,
        endpoint,
        region: 'eu-1',
        credentials,
        forcePathStyle: true,
        maxAttempts: 1,
      })
      await s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'content' }))
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))
      assert.match(await Body.transformToString(), /content/)
    },
  },
  {
    name: 'minio',
    service: objectService(),
    async use({ agent, port }) {
      const transportAgent = agent
      const access = { accessKey: 'key', secretKey: 'secret', region: 'eu-1' }
      const minio = new Minio({ transportAgent, endPoint: 'localhost', port, useSSL: true, ...access })
      await minio.putObject('bucket', 'key', 'content')
      assert.match(await text(await minio.getObject('bucket', 'key')), /content/)
    },
  },
  {
    name: 'node-vault',
    service: (request, response) => {
      assert.equal(request.url, '/v1/secret/hello')
      assert.equal(request.headers['x-vault-token'], 'token')
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"value":"world"}}')
    },
    async use({ agent, baseURL: endpoint }) {
      const client = vault({ endpoint, token: 'token', requestOptions: { httpsAgent: agent } })
      assert.equal((await client.read('secret/hello')).data.value, 'world')
    },
  },
  {
    name: '@elastic/elasticsearch',
    service: async (request, response) => {
      const headers = {
        'content-type': 'application/vnd.elasticsearch+json;compatible-with=9',
        'x-elastic-product': 'Elasticsearch',
      }
      assert.deepEqual((await json(request)).query, { match_all: {} })
      response.writeHead(200, headers).end('{"hits":{"hits":[{"_id":"1"}]}}')
    },
    async use({ tls, baseURL: node }) {
      const client = new Elasticsearch({ node, tls })
      try {
        const { hits } = await client.search({ index: 'i', query: { match_all: {} } }, { maxRetries: 0 })
        assert.equal(hits.hits[0]._id, '1')
      } finally {
        await client.close()
      }
    },
  },
  {
    name: '@kubernetes/client-node',
    service: (request, response) => {
      assert.equal(request.headers.authorization, 'Bearer token')
      assert.equal(request.url, '/api/v1/namespaces/default/pods')
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"kind":"PodList","items":[{"metadata":{"name":"web-1"}}]}')
    },
    async use({ tls, baseURL }) {
      const kubeConfig = new KubeConfig()
      kubeConfig.loadFromClusterAndUser({ name: 'c', server: baseURL }, { name: 'u', token: 'token' })

      const dispatcher = new Agent({ connect: tls })
      const configuration = createConfiguration({
        baseServer: new ServerConfiguration(kubeConfig.getCurrentCluster().server, {}),
        authMethods: {
          default: {
            getName: () => 'kubeconfig',
            applySecurityAuthentication: async (context) => {
              await kubeConfig.applySecurityAuthentication(context)
              context.setDispatcher(dispatcher)
            },
          },
        },
      })
      const core = new CoreV1Api(configuration)

      try {
        const { items } = await core.listNamespacedPod({ namespace: 'default' })
        assert.equal(items[0].metadata.name, 'web-1')
      } finally {
        await dispatcher.close()
      }
    },
  },
]

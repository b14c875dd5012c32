/**
 * Libraries that take a `fetch`: each with the line of docs/guides/sdks.md, a stand-in for its service, and what it is asked.
 *
 * `use` gets `fetch`, the server's `baseURL` and `port`, and resolves if the service was reached and understood.
 */
import assert from 'node:assert/strict'
import { json, text } from 'node:stream/consumers'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { ChatOpenAI } from '@langchain/openai'
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createClient } from '@supabase/supabase-js'
import { generateText, streamText } from 'ai'
import { createRemoteJWKSet, customFetch, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { Octokit } from 'octokit'
import { Ollama } from 'ollama'
import OpenAI, { toFile } from 'openai'
import * as oidc from 'openid-client'
import Stripe from 'stripe'

const apiKey = 'key'
const model = 'model'
const WORDS = ['Hello', ' from', ' the', ' server']
const SENTENCE = WORDS.join('')

function answer(response, value, headers = {}) {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

/** Server-sent events, one at a time. */
async function stream(response, events, end) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const { event, ...data } of events) {
    response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  response.end(end)
}

const completion = (fields) => ({ id: '1', created: 0, model, ...fields })

/** OpenAI's chat completions, streamed or not, and files. */
async function openAiService(request, response) {
  if (request.url === '/files') {
    const form = await text(request)
    assert.match(request.headers['content-type'], /^multipart\/form-data; boundary=/)
    assert.match(form, /name="file"; filename="notes\.txt"[\s\S]*the content/)
    return answer(response, {
      id: 'file-1',
      object: 'file',
      bytes: 11,
      created_at: 0,
      filename: 'notes.txt',
      purpose: 'assistants',
      status: 'processed',
    })
  }
  assert.equal(request.url, '/chat/completions')
  assert.equal(request.headers.authorization, `Bearer ${apiKey}`)
  const body = await json(request)
  if (!body.stream) {
    const message = { role: 'assistant', content: SENTENCE }
    const usage = { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 }
    return answer(
      response,
      completion({ object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }),
    )
  }
  const chunk = (delta, finish_reason = null) =>
    completion({ object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })
  return stream(response, [...WORDS.map((content) => chunk({ content })), chunk({}, 'stop')], 'data: [DONE]\n\n')
}

async function anthropicService(request, response) {
  assert.equal(request.headers.authorization, `Bearer ${apiKey}`)
  const message = {
    id: '1',
    type: 'message',
    role: 'assistant',
    model,
    stop_reason: null,
    usage: { input_tokens: 1, output_tokens: 4 },
  }
  if (!(await json(request)).stream)
    return answer(response, { ...message, content: [{ type: 'text', text: SENTENCE }] })
  const events = [
    { event: 'message_start', type: 'message_start', message: { ...message, content: [] } },
    { event: 'content_block_start', type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...WORDS.map((word) => ({
      event: 'content_block_delta',
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: word },
    })),
    { event: 'content_block_stop', type: 'content_block_stop', index: 0 },
    { event: 'message_delta', type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } },
    { event: 'message_stop', type: 'message_stop' },
  ]
  return stream(response, events)
}

const keys = await generateKeyPair('ES256')

/** An issuer: its description, its keys, and tokens. */
async function issuerService(request, response) {
  const issuer = `https://${request.headers.host}`
  if (request.url === '/jwks')
    return answer(response, { keys: [{ ...(await exportJWK(keys.publicKey)), kid: '1', alg: 'ES256' }] })
  if (request.url === '/token') {
    assert.match(await text(request), /grant_type=client_credentials/)
    return answer(response, { access_token: 'token', token_type: 'Bearer', expires_in: 60 })
  }
  return answer(response, {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
  })
}

/** A server of the protocol, made by its own package, for each request. */
async function mcpService(request, response) {
  const server = new McpServer({ name: 'stand-in', version: '1.0.0' })
  server.registerTool('hello', { description: 'Says hello' }, () => ({ content: [{ type: 'text', text: SENTENCE }] }))
  const transport = new StreamableHTTPServerTransport({})
  await server.connect(transport)
  await transport.handleRequest(request, response)
}

export const LIBRARIES = [
  {
    name: 'openai',
    service: openAiService,
    async use({ fetch, baseURL }) {
      const openai = new OpenAI({ fetch, baseURL, apiKey })
      const messages = [{ role: 'user', content: 'Hi' }]
      const { choices } = await openai.chat.completions.create({ model, messages }, { maxRetries: 0 })
      assert.equal(choices[0].message.content, SENTENCE)
      const words = []
      for await (const part of await openai.chat.completions.create({ model, messages, stream: true })) {
        if (part.choices[0].delta.content) words.push(part.choices[0].delta.content)
      }
      assert.deepEqual(words, WORDS)
      const file = await openai.files.create({
        file: await toFile(Buffer.from('the content'), 'notes.txt'),
        purpose: 'assistants',
      })
      assert.equal(file.id, 'file-1')
    },
  },
  {
    name: '@anthropic-ai/sdk',
    service: anthropicService,
    async use({ fetch, baseURL }) {
      const anthropic = new Anthropic({ fetch, baseURL, apiKey })
      const body = { model, max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] }
      const { content } = await anthropic.messages.create(body, { maxRetries: 0 })
      assert.equal(content[0].text, SENTENCE)
      assert.equal(await anthropic.messages.stream(body).finalText(), SENTENCE)
    },
  },
  {
    name: 'stripe',
    service: async (request, response) => {
      assert.match(await text(request), /^email=ada/)
      answer(response, { id: 'cus_1', object: 'customer', email: 'ada@example.com' })
    },
    async use({ fetch, port }) {
      const host = 'localhost'
      const stripe = new Stripe(apiKey, { httpClient: Stripe.createFetchHttpClient(fetch), host, port })
      const customer = await stripe.customers.create({ email: 'ada@example.com' }, { maxNetworkRetries: 0 })
      assert.equal(customer.id, 'cus_1')
    },
  },
  {
    name: '@supabase/supabase-js',
    service: (request, response) => {
      assert.equal(request.url, '/rest/v1/cities?select=name')
      assert.equal(request.headers.apikey, apiKey)
      answer(response, [{ name: 'Paris' }])
    },
    async use({ fetch, baseURL }) {
      const supabase = createClient(baseURL, apiKey, { global: { fetch } })
      const { data, error } = await supabase.from('cities').select('name')
      if (error) throw error
      assert.deepEqual(data, [{ name: 'Paris' }])
    },
  },
  {
    name: 'octokit',
    service: (request, response) => {
      assert.equal(request.url, '/user')
      answer(response, { login: 'ada' })
    },
    async use({ fetch, baseURL: baseUrl }) {
      const octokit = new Octokit({ baseUrl, request: { fetch } })
      const { data } = await octokit.rest.users.getAuthenticated({ request: { retries: 0 } })
      assert.equal(data.login, 'ada')
    },
  },
  {
    name: 'ai, @ai-sdk/openai',
    service: openAiService,
    async use({ fetch, baseURL }) {
      const openai = createOpenAI({ fetch, baseURL, apiKey })
      const call = { model: openai.chat(model), prompt: 'Hi', maxRetries: 0 }
      assert.equal((await generateText(call)).text, SENTENCE)
      const words = []
      for await (const word of streamText(call).textStream) words.push(word)
      assert.deepEqual(words, WORDS)
    },
  },
  {
    name: '@langchain/openai',
    service: openAiService,
    async use({ fetch, baseURL }) {
      const maxRetries = 0
      const chat = new ChatOpenAI({ model, apiKey, maxRetries, configuration: { fetch, baseURL } })
      assert.equal((await chat.invoke('Hi')).content, SENTENCE)
      const words = []
      for await (const { content } of await chat.stream('Hi')) if (content) words.push(content)
      assert.deepEqual(words, WORDS)
    },
  },
  {
    name: 'openid-client',
    service: issuerService,
    async use({ fetch, baseURL }) {
      const [issuer, clientId, secret] = [new URL(baseURL), 'client', 'secret']
      const config = await oidc.discovery(issuer, clientId, secret, undefined, { [oidc.customFetch]: fetch })
      const { access_token } = await oidc.clientCredentialsGrant(config)
      assert.equal(access_token, 'token')
    },
  },
  {
    name: 'jose',
    service: issuerService,
    async use({ fetch, baseURL }) {
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: 'ES256', kid: '1' })
        .setSubject('ada')
        .sign(keys.privateKey)
      const url = new URL('/jwks', baseURL)
      const jwks = createRemoteJWKSet(url, { [customFetch]: fetch })
      assert.equal((await jwtVerify(token, jwks)).payload.sub, 'ada')
    },
  },
  {
    name: 'ollama',
    service: async (request, response) => {
      const { stream } = await json(request)
      const part = (content, done) => `${JSON.stringify({ model, message: { role: 'assistant', content }, done })}\n`
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      if (stream) for (const word of WORDS) response.write(part(word, false))
      response.end(part(stream ? '' : SENTENCE, true))
    },
    async use({ fetch, baseURL: host }) {
      const ollama = new Ollama({ host, fetch })
      const messages = [{ role: 'user', content: 'Hi' }]
      assert.equal((await ollama.chat({ model, messages })).message.content, SENTENCE)
      const words = []
      for await (const part of await ollama.chat({ model, messages, stream: true })) words.push(part.message.content)
      assert.equal(words.join(''), SENTENCE)
    },
  },
  {
    name: '@modelcontextprotocol/sdk',
    service: mcpService,
    async use({ fetch, baseURL }) {
      const url = new URL('/mcp', baseURL)
      const transport = new StreamableHTTPClientTransport(url, { fetch })
      const client = new McpClient({ name: 'test', version: '1.0.0' })
      await client.connect(transport)
      const { content } = await client.callTool({ name: 'hello' })
      assert.equal(content[0].text, SENTENCE)
      await client.close()
    },
  },
]

/** The form data and files of formdata-node as `data` and `files`; those of the packages of the main project: test/body/form-libraries. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { File as NodeFile } from 'node:buffer'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { post, type RequestOptions } from '../../src/index.ts'
import { type Echo, startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

interface Library {
  readonly Blob: typeof globalThis.Blob
  readonly File: typeof globalThis.File
  readonly FormData: typeof globalThis.FormData
  readonly fileFromPath: (path: string) => Promise<File>
}

const FOLDER = 'test/sdks'
const FILE = 'form-libraries.mjs'
const skip =
  !existsSync(`${FOLDER}/node_modules/formdata-node`) && `formdata-node is not installed: npm ci in ${FOLDER}`

async function sent(options: RequestOptions) {
  await using server = await startHttpServer()
  const { headers, body } = (await post(server.url127, options)).json<Echo>()
  const [, boundary = 'none'] = /^multipart\/form-data; boundary=(.+)$/.exec(String(headers['content-type'])) ?? []
  return { headers, body, parts: body.split(`--${boundary}\r\n`).slice(1) }
}

describe('formdata-node', { skip }, async () => {
  if (skip) return
  const library = (await import(`./${FILE}`)) as Library

  const FILES: readonly (readonly [what: string, make: () => File | Promise<File>])[] = [
    ['a File of its own', () => new library.File(['xyz'], 'x.txt', { type: 'text/x' })],
    ['a File of node:buffer', () => new NodeFile(['xyz'], 'x.txt', { type: 'text/x' }) as File],
    ['the global File', () => new File(['xyz'], 'x.txt', { type: 'text/x' })],
  ]
  for (const [what, make] of FILES) {
    test(`its FormData with ${what} is multipart, with a length`, async () => {
      const form = new library.FormData()
      form.append('a', '1')
      form.append('f', await make())
      const { headers, parts } = await sent({ data: form })
      assert.match(String(headers['content-length']), /^\d+$/)
      assert.equal(parts[0], 'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n')
      assert.match(
        parts[1] ?? '',
        /^Content-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text\/x/,
      )
      assert.match(parts[1] ?? '', /\r\n\r\nxyz\r\n--/)
    })
  }

  test('its files of a path are read from the disk, in forms, as files and as a body', async () => {
    using dir = tempDir()
    const path = dir.write('name.txt', 'content')
    const form = new library.FormData()
    form.set('f', await library.fileFromPath(path))
    for (const options of [{ data: form }, { files: { f: await library.fileFromPath(path) } }]) {
      const { parts } = await sent(options)
      assert.match(parts[0] ?? '', /name="f"; filename="name.txt"\r\n(?:[^\r]+\r\n)*\r\ncontent\r\n--/)
    }
    const { headers, body } = await sent({ data: await library.fileFromPath(path) })
    assert.deepEqual([headers['content-length'], body], ['7', 'content'])
  })

  test('its Blob is a body with its type and length', async () => {
    const { headers, body } = await sent({ data: new library.Blob(['xyz'], { type: 'text/x' }) })
    assert.deepEqual([headers['content-type'], headers['content-length'], body], ['text/x', '3', 'xyz'])
  })
})

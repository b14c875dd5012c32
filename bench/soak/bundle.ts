/** The bundle of the soak, in three places, each rewritten as some real tool does it. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export class Bundle {
  readonly paths: readonly string[]
  readonly #folder: string
  #version = 0

  constructor(folder: string, content: string) {
    this.#folder = folder
    this.paths = ['in-place.pem', 'renamed.pem', 'mount/ca.pem'].map((name) => join(folder, name))
    mkdirSync(join(folder, 'mount'))
    symlinkSync('..data/ca.pem', join(folder, 'mount/ca.pem'))
    this.#mount(content)
    this.#renameOver(content)
    writeFileSync(join(folder, 'in-place.pem'), content)
  }

  /** Resolves when all three have the new content. */
  async write(content: string): Promise<void> {
    this.#mount(content)
    this.#renameOver(content)
    await this.#rewrite(content)
  }

  /** As Kubernetes mounts its secrets: a directory per version, and a link that is exchanged. */
  #mount(content: string): void {
    const mount = join(this.#folder, 'mount')
    const version = `..${++this.#version}`
    mkdirSync(join(mount, version))
    writeFileSync(join(mount, version, 'ca.pem'), content)
    symlinkSync(version, join(mount, '..data_tmp'))
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    rmSync(join(mount, `..${this.#version - 1}`), { recursive: true, force: true })
  }

  /** As careful tools do it. */
  #renameOver(content: string): void {
    const next = join(this.#folder, 'next.pem')
    writeFileSync(next, content)
    renameSync(next, join(this.#folder, 'renamed.pem'))
  }

  /** As careless ones do: for some milliseconds the file is empty, and half there. */
  async #rewrite(content: string): Promise<void> {
    await using file = await open(join(this.#folder, 'in-place.pem'), 'w')
    const half = Math.floor(content.length / 2)
    await file.write(content.slice(0, half))
    await delay(2)
    await file.write(content.slice(half))
  }
}

/** The bundle of the soak, in three places, each rewritten as some real tool does it. */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Where it is found. */
export const bundlePaths = (folder: string): readonly string[] =>
  ['in-place.pem', 'renamed.pem', 'mount/ca.pem'].map((name) => join(folder, name))

export class Bundle {
  readonly #folder: string
  #version = 0

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(join(folder, 'mount'))
    symlinkSync('..data/ca.pem', join(folder, 'mount/ca.pem'))
  }

  write(content: string): void {
    this.#mount(content)
    this.#renameOver(content)
    this.#rewrite(content)
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
  #rewrite(content: string): void {
    const file = openSync(join(this.#folder, 'in-place.pem'), 'w')
    const half = Math.floor(content.length / 2)
    pause(1)
    writeSync(file, content.slice(0, half))
    pause(2)
    writeSync(file, content.slice(half))
    closeSync(file)
  }
}

/** The whole thread: whatever else it has to do must not make the file be half there for longer. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** `vouch completion`, in the shells that it is for. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../helpers/processes.ts'
import { hasProgram } from '../helpers/programs.ts'
import { tempDir } from '../helpers/temp.ts'
import { vouch } from './vouch.ts'

const CASES: readonly (readonly [line: string, expected: readonly string[]])[] = [
  ['cert f', ['fetch']],
  ['p', ['patch', 'post', 'put']],
  ['get --max', ['--max-redirects']],
  ['ca issue-client ada --ca-k', ['--ca-key']],
  ['ca issue --ca-p', ['--ca-passphrase-file']],
  ['check --he', ['--help']],
  ['help ch', ['check']],
  ['help ca t', ['trust']],
  ['completion z', ['zsh']],
]

/** Scripts that print what each of their arguments is completed with, one line for each. */
const SHELLS: Readonly<Record<string, string>> = {
  bash: `source ./_vouch
for line; do
  COMP_WORDS=($line) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _vouch
  echo "\${COMPREPLY[@]}"
done`,

  // Completion needs the line editor of zsh, and so a terminal; `compadd` is given the candidates.
  zsh: `zmodload zsh/zpty zsh/zselect
zpty z 'PS1= TERM=dumb zsh -f -i'
zpty -w z 'fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -d dump; bindkey "^I" complete-word'
zpty -w z 'compadd() { local -a found; builtin compadd -O found "$@"; print -r -- $found > found; builtin compadd "$@" }'
zpty -w z 'print -r -- rea""dy'
zpty -r z output '*ready*'
for line; do
  : > found
  zpty -w -n z "$line"$'\\t'
  for i in {1..200}; do
    [[ -s found ]] && break
    zselect -t 5
    zpty -r -t z output
  done
  zpty -w -n z $'\\x15'
  print -r -- "$(<found)"
done`,

  fish: `source _vouch
for line in $argv
  echo (complete -C $line | cut -f1)
end`,
}

for (const [name, script] of Object.entries(SHELLS)) {
  const skip = hasProgram(name) ? false : `no ${name}: apt-get install ${name}`

  test(`${name} completes commands and their options`, { skip, timeout: 60_000 }, async () => {
    using dir = tempDir()
    // The name that zsh looks for in its `fpath`.
    dir.write('_vouch', (await vouch(dir, `completion ${name}`)).stdout)
    const lines = CASES.map(([line]) => `vouch ${line}`)
    const options = { cwd: dir.path, env: { HOME: dir.path } }
    const { stdout, stderr } = await run(name, [dir.write('script', script), ...lines], options)
    const found = stdout.trimEnd().split('\n')
    assert.equal(stderr, '')
    for (const [index, [line, expected]] of CASES.entries())
      assert.deepEqual(found[index]?.split(' ').sort(), expected, line)
  })
}

test('completion is for bash, zsh and fish', async () => {
  using dir = tempDir()
  assert.equal((await vouch(dir, 'completion tcsh')).status, 2)
})

/** `vouch completion SHELL`: prints the completion script of a shell. */
import { displayName } from '../../core/credentials.ts'
import { type Command, readArguments, UsageError } from '../command.ts'
import { print } from '../print.ts'

/** @param commands all commands; called when one is completed */
export function completion(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print a script that completes commands in bash, zsh or fish',
    options: {},
    help: `Usage: vouch completion bash|zsh|fish

Prints a script that completes commands and options in this shell.

Examples:
  vouch completion bash > ~/.local/share/bash-completion/completions/vouch
  vouch completion zsh > ~/.zfunc/_vouch     # with fpath+=~/.zfunc before compinit in ~/.zshrc
  vouch completion fish > ~/.config/fish/completions/vouch.fish`,

    async run(args, output) {
      const { positionals } = readArguments(args, {})
      const [shell = '', ...others] = positionals
      const script = SCRIPTS.get(shell)
      if (script === undefined || others.length > 0) {
        const given = shell === '' ? '' : `, not '${displayName(shell)}'`
        throw new UsageError(`name a shell: bash, zsh or fish${given}`)
      }
      print(output, script(commands()))
      return 0
    },
  }
}

type Script = (commands: readonly Command[]) => string

const flagsOf = ({ options }: Command): string[] => {
  const long = Object.keys(options).map((name) => `--${name}`)
  const short = Object.values(options).flatMap((option) => (option.short === undefined ? [] : [`-${option.short}`]))
  return [...long, ...short, '--help']
}

/** The words that may follow, by the words before them; `''` is the beginning. */
function wordsOf(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ')
    groups.set(first, [...(groups.get(first) ?? []), ...(second === undefined ? [] : [second])])
  }
  const first = [...groups.keys()]
  const inner = [...groups].filter(([, words]) => words.length > 0)
  return new Map([
    ['', [...first, 'help']],
    ...inner,
    ['help', first],
    ...inner.map(([group, words]) => [`help ${group}`, words] as const),
    ['completion', [...SCRIPTS.keys()]],
  ])
}

/** The cases of a `case` statement: the options of each command, longer names before shorter ones. */
function cases(commands: readonly Command[], write: (list: readonly string[]) => string): string {
  const sorted = [...commands].sort((a, b) => b.name.length - a.name.length)
  return sorted.map((each) => `    '${each.name}'|'${each.name} '*) options=${write(flagsOf(each))} ;;`).join('\n')
}

function groups(commands: readonly Command[], write: (list: readonly string[]) => string): string {
  return [...wordsOf(commands)].map(([before, words]) => `    '${before}') candidates=${write(words)} ;;`).join('\n')
}

const bash: Script = (commands) => `# bash completion for vouch
_vouch() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line="\${COMP_WORDS[*]:1:COMP_CWORD-1}" options='--help --version' candidates=''
  case "$line" in
${cases(commands, (list) => `'${list.join(' ')}'`)}
  esac
  case "$line" in
${groups(commands, (list) => `'${list.join(' ')}'`)}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$candidates" -- "$current")) ;;
  esac
}
complete -o default -o bashdefault -F _vouch vouch`

const zsh: Script = (commands) => `#compdef vouch
_vouch() {
  local line="\${(j: :)words[2,CURRENT-1]}"
  local -a options candidates
  options=(--help --version)
  candidates=()
  case "$line" in
${cases(commands, (list) => `(${list.join(' ')})`)}
  esac
  case "$line" in
${groups(commands, (list) => `(${list.join(' ')})`)}
  esac
  if [[ "$PREFIX" == -* ]]; then compadd -- $options
  elif (( \${#candidates} )); then compadd -- $candidates
  else _files
  fi
}
if [[ "$funcstack[1]" == _vouch ]]; then _vouch "$@"; else compdef _vouch vouch; fi`

const fish: Script = (commands) => {
  const summaryOf = (name: string) => commands.find((command) => command.name === name)?.summary ?? ''
  // `help ca` completes as `ca` does: fish looks for words anywhere in the line.
  const words = [...wordsOf(commands)].filter(([before]) => !before.startsWith('help '))
  const candidates = words.flatMap(([before, after]) => {
    const seen = `__fish_seen_subcommand_from ${before}; and not __fish_seen_subcommand_from ${after.join(' ')}`
    const condition = before === '' ? '__fish_use_subcommand' : seen
    return after.map((word) => {
      const summary = summaryOf(before === '' || before === 'help' ? word : `${before} ${word}`)
      return `complete -c vouch -f -n '${condition}' -a ${word}${summary === '' ? '' : ` -d '${quoted(summary)}'`}`
    })
  })
  const options = commands.flatMap((command) => {
    const seen = command.name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`)
    return Object.entries(command.options).map(([name, { short, type }]) => {
      return `complete -c vouch -n '${seen.join('; and ')}' -l ${name}${short === undefined ? '' : ` -s ${short}`}${type === 'string' ? ' -r' : ''}`
    })
  })
  const general = ['complete -c vouch -l help', 'complete -c vouch -n __fish_use_subcommand -l version']
  return ['# fish completion for vouch', ...candidates, ...options, ...general].join('\n')
}

const quoted = (text: string): string => text.replaceAll("'", "\\'")

const SCRIPTS: ReadonlyMap<string, Script> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
])

/**
 * What makes a shell ask `bourse complete`: words so far, the one under the cursor last. It answers
 * with a candidate on each line, with what it is after a tab; or with `:files` for the shell's own.
 */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

// Bash cuts words at `:`, too: the line is cut again, at spaces.
const BASH = `\
_bourse() {
  local line=\${COMP_LINE:0:COMP_POINT} value about
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local current=\${words[-1]}
  COMPREPLY=()
  while IFS=$'\\t' read -r value about; do
    if [[ $value == :files ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    [[ $value == "$current"* ]] && COMPREPLY+=("$value")
  done < <("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _bourse bourse
`

const ZSH = `\
#compdef bourse
_bourse() {
  local -a found described
  local line
  found=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $found[1] == :files ]]; then
    _files
    return
  fi
  for line in $found; do
    described+=("\${\${line//:/\\\\:}/$'\\t'/:}")
  done
  _describe bourse described
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _bourse "$@"
else
  compdef _bourse bourse
fi
`

const FISH = `\
function __bourse_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] complete -- $words[2..-1] 2>/dev/null)
  if test "$found[1]" = ':files'
    __fish_complete_path (commandline -ct)
  else
    string join \\n -- $found
  end
end
complete -c bourse -f -a '(__bourse_complete)'
`

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

import type { Command, Option } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

/** What completion needs to know about one command. */
interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly Option[];
  /** What its first argument is: fixed words or files. */
  readonly choices: readonly string[];
}

/** A static script made from the command tree: it knows every command and flag and needs no Muster to run while typing. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = program.commands.map(
    (command): CommandWords => ({
      name: command.name(),
      description: command.description().split(':')[0] ?? '',
      flags: flagsOf(command, program),
      choices:
        command.commands.length > 0
          ? command.commands.map((sub) => sub.name())
          : (command.registeredArguments[0]?.argChoices ?? []),
    }),
  );
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

/** Its own, those of its subcommands and the global ones, each once. */
function flagsOf(command: Command, program: Command): readonly Option[] {
  const all = [...command.options, ...command.commands.flatMap((sub) => sub.options), ...program.options];
  return [...new Map(all.filter(({ long }) => long !== undefined).map((option) => [option.long, option])).values()];
}

const takesValue = (option: Option): boolean => option.required || option.optional;

/** The fixed values of a flag, read from its help ("one of a, b") where they are checked by a parser. */
function valuesOf(option: Option): readonly string[] {
  if (option.argChoices !== undefined) return option.argChoices;
  const match = /^one of (.+)$/.exec(option.description);
  return match?.[1]?.split(', ') ?? [];
}

function bash(commands: readonly CommandWords[]): string {
  const cases = commands.flatMap((command) => {
    const words = command.flags.map((option) => option.long).join(' ');
    const values = command.flags
      .filter((option) => valuesOf(option).length > 0)
      .map(
        (option) =>
          `        ${[option.short, option.long].filter(Boolean).join('|')}) COMPREPLY=($(compgen -W "${valuesOf(option).join(' ')}" -- "$cur")); return ;;`,
      );
    const files = command.flags.filter((option) => takesValue(option) && valuesOf(option).length === 0);
    const filesCase =
      files.length === 0
        ? []
        : [`        ${files.map((option) => option.long).join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;`];
    return [
      `    ${command.name})`,
      '      case "$previous" in',
      ...values,
      ...filesCase,
      '      esac',
      `      words="${words}"; choices="${command.choices.join(' ')}" ;;`,
    ];
  });
  return `# bash completion for muster; made by \`muster completion bash\`
_muster() {
  local cur previous command words choices word
  cur="\${COMP_WORDS[COMP_CWORD]}"
  previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
${cases.join('\n')}
    help) COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')}" -- "$cur")); return ;;
    *) COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')} help --help --version" -- "$cur")); return ;;
  esac
  if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "$words --help" -- "$cur"))
  elif [[ -n "$choices" ]]; then COMPREPLY=($(compgen -W "$choices" -- "$cur"))
  else COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _muster muster
`;
}

/** Inside single quotes and square brackets of zsh's _arguments. */
const zshText = (text: string): string =>
  text.replaceAll("'", '’').replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' ');

function zsh(commands: readonly CommandWords[]): string {
  const cases = commands.map((command) => {
    const flags = command.flags.flatMap((option) => {
      const values = valuesOf(option);
      const value = takesValue(option) ? `:value:${values.length > 0 ? `(${values.join(' ')})` : '_files'}` : '';
      return [option.short, option.long]
        .filter(Boolean)
        .map((name) => `'${name}[${zshText(option.description)}]${value}'`);
    });
    const argument = command.choices.length > 0 ? `'1:argument:(${command.choices.join(' ')})'` : "'*:file:_files'";
    return `    ${command.name}) _arguments ${[...flags, argument].join(' \\\n        ')} ;;`;
  });
  return `#compdef muster
# zsh completion for muster; made by \`muster completion zsh\`
_muster() {
  local -a commands
  commands=(
${commands.map((command) => `    '${command.name}:${zshText(command.description)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then _describe 'command' commands; return; fi
  local command="\${words[2]}"
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
    help) _describe 'command' commands ;;
  esac
}
if [ "$funcstack[1]" = "_muster" ]; then _muster "$@"; else compdef _muster muster; fi
`;
}

function fish(commands: readonly CommandWords[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap((command) => {
    const seen = `-n ${quote(`__fish_seen_subcommand_from ${command.name}`)}`;
    const flags = command.flags.map((option) => {
      const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
      const values = valuesOf(option);
      const value = !takesValue(option) ? '' : values.length > 0 ? ` -x -a ${quote(values.join(' '))}` : ' -r';
      return `complete -c muster ${seen}${short} -l ${(option.long ?? '').slice(2)}${value} -d ${quote(option.description)}`;
    });
    const choices =
      command.choices.length > 0 ? [`complete -c muster ${seen} -f -a ${quote(command.choices.join(' '))}`] : [];
    return [
      `complete -c muster -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.description)}`,
      ...flags,
      ...choices,
    ];
  });
  return `# fish completion for muster; made by \`muster completion fish\`\n${lines.join('\n')}\n`;
}

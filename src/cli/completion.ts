import type { Command } from 'commander';

export const completionShells = ['bash', 'zsh', 'fish', 'powershell'] as const;

interface Described {
  readonly name: string;
  readonly summary: string;
}
interface Completable extends Described {
  readonly flags: readonly Described[];
}

function describe(program: Command): { commands: Completable[]; globals: Described[] } {
  const flagsOf = (command: Command): Described[] =>
    command.options
      .filter(option => !option.hidden)
      .flatMap(option =>
        [option.short, option.long]
          .filter(name => name !== undefined)
          .map(name => ({ name, summary: option.description })),
      )
      .concat({ name: '--help', summary: 'show help' });
  return {
    commands: [
      ...program.commands.map(command => ({
        name: command.name(),
        summary: command.summary(),
        flags: flagsOf(command),
      })),
      { name: 'help', summary: 'show help for a command', flags: [] },
    ],
    globals: flagsOf(program),
  };
}

/** A script that completes the commands and their flags. */
export function formatCompletion(
  shell: (typeof completionShells)[number],
  program: Command,
  descriptions: boolean,
): string {
  const { commands, globals } = describe(program);
  const names = (items: readonly Described[]): string => items.map(item => item.name).join(' ');
  if (shell === 'bash') {
    return [
      '# bash completion for hjk',
      '_hjk() {',
      '  local current=${COMP_WORDS[COMP_CWORD]} command= word',
      '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word != -* ]] && { command=$word; break; }; done',
      `  case $command in`,
      `    '') COMPREPLY=($(compgen -W '${names(commands)} ${names(globals)}' -- "$current")) ;;`,
      ...commands
        .filter(c => c.flags.length > 0)
        .map(
          c =>
            `    ${c.name}) [[ $current == -* ]] && COMPREPLY=($(compgen -W '${names([...c.flags, ...globals])}' -- "$current")) ;;`,
        ),
      `    help) COMPREPLY=($(compgen -W '${names(commands)}' -- "$current")) ;;`,
      '  esac',
      '}',
      'complete -o default -F _hjk hjk',
    ].join('\n');
  }
  if (shell === 'zsh') {
    const quote = (item: Described): string =>
      `'${item.name.replaceAll(':', '\\:')}${descriptions ? `:${item.summary.replaceAll("'", '’')}` : ''}'`;
    return [
      '#compdef hjk',
      '_hjk() {',
      '  local -a items; local command= word',
      '  for word in ${words[2,CURRENT-1]}; do [[ $word != -* ]] && { command=$word; break }; done',
      '  case $command in',
      `    '') items=(${[...commands, ...globals].map(quote).join(' ')}) ;;`,
      ...commands
        .filter(c => c.flags.length > 0)
        .map(c => `    ${c.name}) items=(${c.flags.map(quote).join(' ')}) ;;`),
      `    help) items=(${commands.map(quote).join(' ')}) ;;`,
      '  esac',
      "  _describe 'hjk' items || _files",
      '}',
      'compdef _hjk hjk',
    ].join('\n');
  }
  if (shell === 'fish') {
    const say = (item: Described): string =>
      descriptions ? ` -d '${item.summary.replaceAll("'", "\\'")}'` : '';
    const flag = (item: Described): string =>
      item.name.startsWith('--') ? `-l ${item.name.slice(2)}` : `-s ${item.name.slice(1)}`;
    return [
      '# fish completion for hjk',
      ...commands.map(c => `complete -c hjk -n __fish_use_subcommand -f -a ${c.name}${say(c)}`),
      ...globals.map(g => `complete -c hjk ${flag(g)}${say(g)}`),
      ...commands.flatMap(c =>
        c.flags.map(f => `complete -c hjk -n '__fish_seen_subcommand_from ${c.name}' ${flag(f)}${say(f)}`),
      ),
    ].join('\n');
  }
  const entry = (item: Described): string =>
    `@{n='${item.name}';d='${descriptions ? item.summary.replaceAll("'", "''") : item.name}'}`;
  return [
    '# PowerShell completion for hjk',
    'Register-ArgumentCompleter -Native -CommandName hjk -ScriptBlock {',
    '  param($word, $ast, $position)',
    `  $flags = @{ ${commands.map(c => `'${c.name}'=@(${c.flags.map(entry).join(',')})`).join('; ')} }`,
    `  $commands = @(${[...commands, ...globals].map(entry).join(',')})`,
    "  $command = $ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() } | Where-Object { -not $_.StartsWith('-') -and $_ -ne $word } | Select-Object -First 1",
    '  $items = if ($command -and $flags.ContainsKey($command)) { $flags[$command] } else { $commands }',
    '  $items | Where-Object { $_.n -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_.n, $_.n, "ParameterName", $_.d) }',
    '}',
  ].join('\n');
}

using System.CommandLine;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>completion</c>: the script that completes command lines in a shell.</summary>
/// <remarks>The scripts ask the program itself, by System.CommandLine's directive <c>[suggest:POSITION]</c>.</remarks>
internal static class CompletionCommand
{
    private const string Bash = """
        _minionerec_complete() {
            local line="${COMP_LINE#* }" start=$(( COMP_POINT - ${#COMP_LINE} ))
            local word="${COMP_WORDS[COMP_CWORD]}" found
            found=$("${COMP_WORDS[0]}" "[suggest:$(( ${#line} + start ))]" "$line" 2>/dev/null)
            COMPREPLY=($(compgen -W "$found" -- "$word"))
            [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$word"))
        }
        complete -o filenames -F _minionerec_complete minionerec

        """;

    private const string Zsh = """
        _minionerec() {
            local line="${BUFFER#* }"
            local -a found
            found=("${(@f)$("${words[1]}" "[suggest:$(( CURSOR - ${#BUFFER} + ${#line} ))]" "$line" 2>/dev/null)}")
            compadd -a found
            _files
        }
        compdef _minionerec minionerec

        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName minionerec -ScriptBlock {
            param($word, $ast, $cursor)
            $line = $ast.ToString() -replace '^\S+\s?', ''
            $position = $cursor - ($ast.ToString().Length - $line.Length)
            & $ast.CommandElements[0].Value "[suggest:$position]" $line |
                Where-Object { $_ -like "$word*" } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }

        """;

    private static readonly Argument<string> Shell = new("shell") { Description = "bash, zsh or pwsh." };

    public static Command Create(CliContext context)
    {
        var command = new Command("completion", "Write the script that completes command lines: source <(minionerec completion bash)");
        Shell.AcceptOnlyFromAmong("bash", "zsh", "pwsh");
        command.Arguments.Add(Shell);
        command.SetAction(async (line, _) =>
        {
            string script = line.GetRequiredValue(Shell) switch { "bash" => Bash, "zsh" => Zsh, _ => PowerShell };
            await context.Output.WriteAsync(script.ReplaceLineEndings("\n"));
            return ExitCodes.Success;
        });
        return command;
    }
}

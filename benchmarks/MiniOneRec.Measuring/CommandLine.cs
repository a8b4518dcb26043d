namespace MiniOneRec.Measuring;

/// <summary>What was typed: <c>NAME [--option value | --switch]… [--json FILE] [--allocator speed|memory]</c>, <c>--list</c> or
/// <c>[NAME] --help</c>.</summary>
/// <param name="Study">The study's name, or <see langword="null"/>.</param>
/// <param name="Options">The study's options without dashes; a switch has the value <c>true</c>.</param>
/// <param name="JsonPath">The file of JSON lines, or <see langword="null"/>.</param>
/// <param name="Allocator">What the process's allocator does with freed blocks.</param>
/// <param name="List">Whether the studies are to be listed; with a name, that study alone.</param>
internal sealed record CommandLine(string? Study, IReadOnlyDictionary<string, string> Options, string? JsonPath, AllocatorGoal Allocator,
    bool List)
{
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        string? study = null;
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                int equals = argument.IndexOf('=', StringComparison.Ordinal);
                string key = equals < 0 ? argument[2..] : argument[2..equals];
                string value = equals >= 0 ? argument[(equals + 1)..]
                    : i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal) ? arguments[++i]
                    : "true";
                if (key.Length == 0 || !options.TryAdd(key, value))
                {
                    throw new ArgumentException($"'{argument}' is empty or given twice.");
                }
            }
            else if (study is null)
            {
                study = argument;
            }
            else
            {
                throw new ArgumentException($"'{argument}' follows the study '{study}'; options start with two dashes.");
            }
        }

        bool list = options.Remove("list") | options.Remove("help");
        options.Remove("json", out string? json);
        options.Remove("allocator", out string? allocator);
        return Enum.TryParse(allocator ?? nameof(AllocatorGoal.Speed), ignoreCase: true, out AllocatorGoal goal) && Enum.IsDefined(goal)
            ? new CommandLine(study, options, json, goal, list)
            : throw new ArgumentException($"--allocator is '{allocator}'; expected speed or memory.");
    }
}

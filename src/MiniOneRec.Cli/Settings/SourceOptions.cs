using System.CommandLine;
using System.Globalization;

namespace MiniOneRec.Cli.Settings;

/// <summary>The options of commands that prepare a log.</summary>
internal static class SourceOptions
{
    // Values such as leave-one-out name members of enumerations.
    private static readonly HashSet<string> Names =
        new(StringComparer.Ordinal) { "Source:Format", "Source:TimeUnit", "Preparation:Split", "Preparation:Duplicates" };

    private static readonly (Option<string?> Option, string Key)[] Single =
    [
        (new("--format") { Description =
            "Layout of the log: amazon2018, amazon2023, recbole, movielens, steam, yelp, amazon-m2, rec-if, "
            + "yambda or table; guessed by default.", HelpName = "NAME" }, "Source:Format"),
        (new("--query") { Description = "A query in DuckDB's SQL that gives the interactions.", HelpName = "SQL" }, "Source:Query"),
        (new("--table") { Description = "The table of a DuckDB database.", HelpName = "NAME" }, "Source:Table"),
        (new("--user") { Description = "Column of the user.", HelpName = "COLUMN" }, "Source:Columns:User"),
        (new("--item") { Description = "Column of the item.", HelpName = "COLUMN" }, "Source:Columns:Item"),
        (new("--time") { Description = "Column of the time.", HelpName = "COLUMN" }, "Source:Columns:Time"),
        (new("--event") { Description = "Column of the type of interaction.", HelpName = "COLUMN" }, "Source:Columns:Event"),
        (new("--rating") { Description = "Column of the rating.", HelpName = "COLUMN" }, "Source:Columns:Rating"),
        (new("--weight") { Description = "Column of the weight.", HelpName = "COLUMN" }, "Source:Columns:Weight"),
        (new("--time-unit") { Description = "Unit of times that are numbers: seconds, milliseconds, microseconds or nanoseconds.",
        HelpName = "UNIT" }, "Source:TimeUnit"),
        (new("--time-format") { Description = "Form of times that are texts, for example %d.%m.%Y.", HelpName = "FORM" },
        "Source:TimeFormat"),
        (new("--delimiter") { Description = "What separates columns of text files.", HelpName = "TEXT" }, "Source:Delimiter"),
        (new("--decimal-comma") { Description = "Whether numbers have a decimal comma: true or false.", HelpName = "BOOL" },
        "Source:DecimalComma"),
        (new("--encoding") { Description = "utf-8, latin-1 or utf-16.", HelpName = "NAME" }, "Source:Encoding"),
        (new("--memory") { Description = "Memory of DuckDB, for example 4GB.", HelpName = "SIZE" }, "Source:MemoryLimit"),
        (new("--threads") { Description = "Threads of DuckDB.", HelpName = "N" }, "Source:Threads"),
        (new("--temp") { Description = "Folder for what does not fit in memory.", HelpName = "DIR" }, "Source:TempDirectory"),
        (new("--min-rating") { Description = "Lowest rating that is kept.", HelpName = "X" }, "Preparation:MinRating"),
        (new("--start") { Description = "First day, for example 2018-10-01.", HelpName = "DATE" }, "Preparation:Start"),
        (new("--end") { Description = "Last day.", HelpName = "DATE" }, "Preparation:End"),
        (new("--min-items") { Description = "While fewer items remain, the first day goes back a year.", HelpName = "N" },
        "Preparation:MinItems"),
        (new("--duplicates") { Description = "Which of several interactions of a user with an item are kept: keep, first or last.",
        HelpName = "POLICY" }, "Preparation:Duplicates"),
        (new("--max-per-user") { Description = "Users with more interactions are left out.", HelpName = "N" }, "Preparation:MaxPerUser"),
        (new("--max-per-minute") { Description = "Sessions that are faster are left out.", HelpName = "X" }, "Preparation:MaxPerMinute"),
        (new("--session-gap") { Description = "Minutes of pause after which a new session starts.", HelpName = "X" },
        "Preparation:SessionGapMinutes"),
        (new("--min-per-user") { Description = "Interactions that a user needs.", HelpName = "N" }, "Preparation:MinPerUser"),
        (new("--min-per-item") { Description = "Interactions that an item needs.", HelpName = "N" }, "Preparation:MinPerItem"),
        (new("--clean-text") { Description = "Whether markup is removed from texts: true or false.", HelpName = "BOOL" },
        "Preparation:CleanText"),
        (new("--split") { Description = "leave-one-out, time, ratio, given or none.", HelpName = "NAME" }, "Preparation:Split"),
        (new("--train-share") { Description = "Share of the training part, for the splits time and ratio.", HelpName = "X" },
        "Preparation:TrainShare"),
        (new("--validation-share") { Description = "Share of the validation part.", HelpName = "X" }, "Preparation:ValidationShare"),
        (new("--max-history") { Description = "Longest history of a row.", HelpName = "N" }, "Preparation:MaxHistory"),
    ];

    private static readonly (Option<string[]> Option, string Key)[] Several =
    [
        (new("--items") { Description = "Files of item texts.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true }, "Source:Items"),
        (new("--validation") { Description = "Validation files, where the parts are given.", HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true }, "Source:ValidationInputs"),
        (new("--test") { Description = "Test files, where the parts are given.", HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true }, "Source:TestInputs"),
        (new("--events") { Description = "Types of interaction that are kept.", HelpName = "NAME", AllowMultipleArgumentsPerToken = true },
        "Preparation:Events"),
    ];

    /// <summary>Gets the option that names a log.</summary>
    public static Option<string[]> Input { get; } = new("--input", "-i")
    {
        Description = "Log of interactions: Parquet, CSV, JSON lines (also .gz, .zst), patterns, folders, a DuckDB database.",
            HelpName = "FILE", AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>Adds all of the options but those whose names the command has already.</summary>
    public static void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Input, .. Single.Select(entry => entry.Option), .. Several.Select(entry => entry.Option)])
        {
            if (command.Options.All(other => other.Name != option.Name))
            {
                command.Options.Add(option);
            }
        }
    }

    /// <summary>Gets the settings that a command line with all of the options gives.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Read(ParseResult line) => List(line, Input, "Source:Inputs")
        .Concat(Single.Where(entry => Has(line, entry.Option))
            .Select(entry => KeyValuePair.Create(entry.Key, Plain(entry.Key, line.GetValue(entry.Option)))))
        .Concat(Several.SelectMany(entry => List(line, entry.Option, entry.Key)));

    /// <summary>Adds the options of a log to those of a command, and gives item texts and split to the preparation where the command names
    /// a log.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Redirect(ParseResult line, IEnumerable<KeyValuePair<string, string?>> given)
    {
        var source = Read(line).ToArray();
        bool isNamed = source.Any(pair => pair.Key is "Source:Inputs:0" or "Source:Query");
        return source.Concat(!isNamed ? given : given.Select(pair => pair.Key switch
        {
            "Data:Items" => KeyValuePair.Create("Source:Items:0", pair.Value),
            "Data:Split" => KeyValuePair.Create("Preparation:Split", Plain("Preparation:Split", pair.Value)),
            _ => pair,
        }));
    }

    /// <summary>Requires that a command line with options of a log has a log.</summary>
    /// <exception cref="ArgumentException">It has none; the message names the first option.</exception>
    public static void RequireLog(ParseResult line, RunSettings settings)
    {
        if (!settings.HasSource && Single.Select(entry => (Option)entry.Option).Concat(Several.Select(entry => entry.Option))
            .FirstOrDefault(option => Has(line, option)) is { } stray)
        {
            throw new ArgumentException($"{stray.Name} belongs to a log; name it with --input FILE or --query SQL.");
        }
    }

    private static IEnumerable<KeyValuePair<string, string?>> List(ParseResult line, Option<string[]> option, string key) =>
        (Has(line, option) ? line.GetValue(option) ?? [] : []).Select(
            (value, i) => KeyValuePair.Create($"{key}:{i.ToString(CultureInfo.InvariantCulture)}", (string?)value));

    private static string? Plain(string key, string? value) => Names.Contains(key) ? value?.Replace("-", "", StringComparison.Ordinal)
        : value;

    private static bool Has(ParseResult line, Option option) => line.GetResult(option) is { Implicit: false };
}

using System.CommandLine;
using System.Globalization;

namespace MiniOneRec.Cli.Settings;

/// <summary>One of several parts of a long job, each a process of its own.</summary>
/// <param name="Part">The part, from 0.</param>
/// <param name="Parts">How many parts there are.</param>
internal readonly record struct Shard(int Part, int Parts)
{
    /// <summary>Makes the option.</summary>
    public static Option<string?> Option(string description) => new("--shard") { Description = description, HelpName = "i/n" };

    /// <summary>Reads an option's value; all of the job where it was not given.</summary>
    /// <exception cref="ArgumentException">The text is no part.</exception>
    public static Shard Parse(string? text)
    {
        string[] parts = text?.Split('/') ?? ["0", "1"];
        return parts.Length == 2 && int.TryParse(parts[0], CultureInfo.InvariantCulture, out int part)
            && int.TryParse(parts[1], CultureInfo.InvariantCulture, out int all)
            && all > 0 && part >= 0 && part < all
            ? new Shard(part, all)
            : throw new ArgumentException($"--shard is '{text}'; expected i/n with 0 ≤ i < n, for example 0/4.");
    }

    /// <summary>Returns whether the part has an entry of the job.</summary>
    /// <param name="entry">The entry, from 0.</param>
    public bool Has(long entry) => entry % Parts == Part;
}

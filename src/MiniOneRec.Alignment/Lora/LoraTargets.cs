using System.Globalization;
using System.Text.RegularExpressions;

namespace MiniOneRec.Alignment;

/// <summary>Which maps are adapted, at which rank and scale, by PEFT's rules.</summary>
internal sealed class LoraTargets
{
    /// <summary>The one target that stands for all maps but the head.</summary>
    public const string All = "all-linear";

    private const int MaxPatternLength = 10_000;

    private readonly LoraOptions _options;
    private readonly Regex? _target;
    private readonly Regex? _excluded;
    private readonly Regex[] _layers;
    private readonly (Regex Pattern, int Value)[] _ranks;
    private readonly (Regex Pattern, double Value)[] _alphas;

    /// <exception cref="ArgumentException">A pattern is no regular expression; the message names it.</exception>
    public LoraTargets(LoraOptions options)
    {
        _options = options;
        if (LoraOptionsRules.FailuresOf(options).FirstOrDefault() is { } failure)
        {
            throw new ArgumentException(failure);
        }

        _target = options.TargetPattern is { } target ? Make($@"\A(?:{target})\z", target) : null;
        _excluded = options.ExcludedPattern is { } excluded ? Make($@"\A(?:{excluded})\z", excluded) : null;
        _layers = [.. (options.LayersPattern is { Count: > 0 } patterns ? patterns : [@"[^.]*"])
            .Select(pattern => Make($@"\A.*\.(?:{pattern})\.(?<layer>[0-9]+)\.", pattern))];
        _ranks = [.. (options.RankPattern ?? new Dictionary<string, int>()).Select(pair => (Last(pair.Key), pair.Value))];
        _alphas = [.. (options.AlphaPattern ?? new Dictionary<string, double>()).Select(pair => (Last(pair.Key), pair.Value))];
    }

    /// <summary>Whether the targets are all maps.</summary>
    public static bool IsAll(LoraOptions options) => options.Targets is [All];

    /// <summary>Whether a name is a target, or ends in one.</summary>
    public static bool EndsIn(string name, string target) => name == target || name.EndsWith("." + target, StringComparison.Ordinal);

    /// <summary>Whether a map is adapted.</summary>
    public bool Includes(string name)
    {
        if (_excluded?.IsMatch(name) == true || _options.ExcludedTargets?.Any(excluded => EndsIn(name, excluded)) == true)
        {
            return false;
        }

        if (_target is not null)
        {
            return _target.IsMatch(name) && InLayers(name);
        }

        // A full name is a target in whatever layer it lies.
        return !IsAll(_options) && _options.Targets.Contains(name, StringComparer.Ordinal)
            || ((IsAll(_options) || _options.Targets.Any(target => EndsIn(name, target))) && InLayers(name));
    }

    /// <summary>Gets the rank of a map's adapter.</summary>
    public int RankOf(string name) => _ranks.FirstOrDefault(rank => rank.Pattern.IsMatch(name)) is { Pattern: not null } rank ? rank.Value
        : _options.Rank;

    /// <summary>Gets the factor of a map's update.</summary>
    public double ScaleOf(string name)
    {
        double alpha = _alphas.FirstOrDefault(alpha => alpha.Pattern.IsMatch(name)) is { Pattern: not null } own ? own.Value
            : _options.Alpha, rank = RankOf(name);
        return alpha / (_options.RankStabilised ? Math.Sqrt(rank) : rank);
    }

    private bool InLayers(string name)
    {
        if (_options.Layers is null or { Count: 0 })
        {
            return true;
        }

        var match = _layers.Select(layer => layer.Match(name)).FirstOrDefault(match => match.Success);
        return match is not null && int.TryParse(match.Groups["layer"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture,
            out int layer) && _options.Layers.Contains(layer);
    }

    private static Regex Last(string pattern) => Make($@"\A(?:.*\.)?(?:{pattern})\z", pattern);

    // Patterns come from files: a match ends after a second.
    private static Regex Make(string text, string pattern)
    {
        if (pattern.Length > MaxPatternLength)
        {
            throw new ArgumentException($"A pattern has {pattern.Length} characters; expected at most {MaxPatternLength}.");
        }

        // Python's names for groups and for the end of a text.
        text = text.Replace("(?P<", "(?<", StringComparison.Ordinal).Replace(@"\Z", @"\z", StringComparison.Ordinal);
        try
        {
            return new Regex(text, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"'{pattern}' is no regular expression: {e.Message}", e);
        }
    }
}

using System.Text.RegularExpressions;

namespace MiniOneRec.Pretrained;

/// <summary>The patterns by which text is cut: those of the published models, made when this library is built, and any other a file
/// brings.</summary>
internal static partial class SplitPatterns
{
    /// <summary>The cut of GPT-2, which the byte-level step applies unless told otherwise.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>The cut of Qwen2 and Qwen3.</summary>
    public const string Qwen =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The cut of Llama 3.</summary>
    public const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The longest pattern that a file may bring; published ones have a few hundred characters.</summary>
    public const int Longest = 2_048;

    /// <summary>The longest pattern that is compiled: compiling takes kilobytes for each character.</summary>
    private const int LongestCompiled = 512;

    private const int TimeLimit = 10_000;                           // ms, for one piece of text

    /// <summary>Gets a pattern ready to match, under a time limit.</summary>
    /// <exception cref="ArgumentException">The pattern is malformed or too long.</exception>
    public static Regex Of(string pattern) => pattern switch
    {
        Gpt2 => Gpt2Regex(),
        Qwen => QwenRegex(),
        Llama3 => Llama3Regex(),
        { Length: > Longest } =>
        throw new ArgumentException($"it has {pattern.Length} characters; expected at most {Longest}", nameof(pattern)),
        _ => new Regex(
            pattern,
            RegexOptions.CultureInvariant | (pattern.Length <= LongestCompiled ? RegexOptions.Compiled : RegexOptions.None),
            TimeSpan.FromMilliseconds(TimeLimit)),
    };

    [GeneratedRegex(Gpt2, RegexOptions.CultureInvariant, TimeLimit)]
    private static partial Regex Gpt2Regex();

    [GeneratedRegex(Qwen, RegexOptions.CultureInvariant, TimeLimit)]
    private static partial Regex QwenRegex();

    [GeneratedRegex(Llama3, RegexOptions.CultureInvariant, TimeLimit)]
    private static partial Regex Llama3Regex();
}

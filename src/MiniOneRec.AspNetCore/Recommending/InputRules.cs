namespace MiniOneRec.AspNetCore;

/// <summary>Checks of what callers send.</summary>
internal static class InputRules
{
    private const int LongestKey = 256;
    private const int LongestText = 64 * 1024;

    /// <summary>Checks a key: of a user, an item, an event, a scenario.</summary>
    /// <exception cref="ServingProblem">422.</exception>
    public static string Key(string? key, string what)
    {
        if (string.IsNullOrEmpty(key))
        {
            throw ServingProblem.Invalid($"{what} is missing or empty.");
        }

        return key.Length > LongestKey
            ? throw ServingProblem.Invalid($"{what} has {key.Length} characters; expected at most {LongestKey}.")
            : key.Any(c => char.IsControl(c) || char.IsSurrogate(c)) && !IsWellFormed(key)
            ? throw ServingProblem.Invalid($"{what} holds control characters or half a character.") : key;
    }

    /// <summary>Checks a key that may be missing.</summary>
    public static string? OptionalKey(string? key, string what) => key is null ? null : Key(key, what);

    /// <summary>Checks a text that may be missing.</summary>
    public static string? Text(string? text, string what) => text is null || text.Length <= LongestText && !text.Contains('\0',
        StringComparison.Ordinal)
        ? text : throw ServingProblem.Invalid($"{what} has {text.Length} characters or holds NUL; expected at most {LongestText}.");

    private static bool IsWellFormed(string key)
    {
        for (int i = 0; i < key.Length; i++)
        {
            if (char.IsControl(key[i]) || (char.IsSurrogate(key[i]) && !(char.IsHighSurrogate(key[i]) && i + 1 < key.Length
                && char.IsLowSurrogate(key[++i]))))
            {
                return false;
            }
        }

        return true;
    }
}

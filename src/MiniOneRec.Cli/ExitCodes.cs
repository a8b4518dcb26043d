namespace MiniOneRec.Cli;

/// <summary>The exit codes of the program.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>Something failed that neither the command line nor the data explain.</summary>
    public const int Failure = 1;

    /// <summary>The command line or a setting is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A file is missing, damaged, or does not hold what is needed.</summary>
    public const int BadData = 3;

    /// <summary>The user stopped the program.</summary>
    public const int Cancelled = 130;
}

namespace MiniOneRec.Tokenization;

/// <summary>Signals that another process or object changed a saved catalogue since this one was loaded or saved; saving would lose that
/// change.</summary>
public sealed class CatalogueConflictException : InvalidOperationException
{
    /// <summary>Makes an exception without a message.</summary>
    public CatalogueConflictException()
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">The folder and what to do.</param>
    public CatalogueConflictException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception that another one caused.</summary>
    /// <param name="message">The folder and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public CatalogueConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

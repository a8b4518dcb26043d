namespace MiniOneRec.Tokenization;

/// <summary>More items want codes under one prefix of semantic IDs than its level has: the quantizer does not tell them apart.</summary>
public sealed class CrowdedPrefixException : InvalidOperationException
{
    /// <summary>Makes the exception.</summary>
    public CrowdedPrefixException()
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">The prefix, the items that want codes under it and the codes that are free.</param>
    public CrowdedPrefixException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">The prefix, the items that want codes under it and the codes that are free.</param>
    /// <param name="innerException">The cause.</param>
    public CrowdedPrefixException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

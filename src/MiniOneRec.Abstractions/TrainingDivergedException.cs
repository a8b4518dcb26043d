namespace MiniOneRec;

/// <summary>Training gave numbers that are not finite: a loss, a gradient, or weights.</summary>
/// <remarks>
/// It is an <see cref="InvalidOperationException"/>, which some trainers threw before. The weights are those of the step before where
/// supervised fine-tuning found a loss or gradient at fault, else the best validated ones where there are any. Nothing that is not finite
/// was saved.
/// </remarks>
public sealed class TrainingDivergedException : InvalidOperationException
{
    /// <summary>Makes the exception.</summary>
    public TrainingDivergedException()
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">What went wrong.</param>
    public TrainingDivergedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">What went wrong.</param>
    /// <param name="innerException">The cause.</param>
    public TrainingDivergedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Gets the step that failed, counted from 1.</summary>
    public long Step { get; init; }

    /// <summary>Gets the ids of the samples of that step.</summary>
    public IReadOnlyList<string> SampleIds { get; init; } = [];

    /// <summary>Gets the last good checkpoint, or <see langword="null"/> where none was written.</summary>
    public string? Checkpoint { get; init; }
}

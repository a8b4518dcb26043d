namespace MiniOneRec.Datasets;

/// <summary>One step of a preparation with how many interactions went in and came out.</summary>
/// <param name="Name">The step, for example <c>k-core</c>.</param>
/// <param name="Before">Interactions before the step.</param>
/// <param name="After">Interactions after it.</param>
public sealed record PreparationStep(string Name, long Before, long After);

/// <summary>Reports what a preparation made of a log.</summary>
public sealed record PreparationReport
{
    /// <summary>Gets the data set's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets how the parts were made: <c>leave-one-out</c>, <c>time</c>, <c>ratio</c>, <c>given</c> or <c>none</c>.</summary>
    public required string Split { get; init; }

    /// <summary>Gets how many users remain.</summary>
    public required long Users { get; init; }

    /// <summary>Gets how many items remain.</summary>
    public required long Items { get; init; }

    /// <summary>Gets how many interactions remain; with given rows of histories, how many rows.</summary>
    public required long Interactions { get; init; }

    /// <summary>Gets how many targets the training part has.</summary>
    public required long TrainRows { get; init; }

    /// <summary>Gets how many targets the validation part has.</summary>
    public required long ValidationRows { get; init; }

    /// <summary>Gets how many targets the test part has.</summary>
    public required long TestRows { get; init; }

    /// <summary>Gets the steps in their order, with counts.</summary>
    public required IReadOnlyList<PreparationStep> Steps { get; init; }

    /// <summary>Gets notes on what was guessed and left out, one sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes;

/// <summary>Sizes of a data set that settings depend on.</summary>
public sealed record DataShape
{
    /// <summary>Gets the number of training sequences.</summary>
    public required int Users { get; init; }

    /// <summary>Gets the number of items of the catalogue.</summary>
    public required int Items { get; init; }

    /// <summary>Gets the number of training interactions; of longer sequences the last <see cref="RecipePreset.MaxHistory"/> and one more
    /// count.</summary>
    public required long Interactions { get; init; }

    /// <summary>Gets the share of training interactions whose item the user had taken before, 0 to 1.</summary>
    public double RepeatShare { get; init; }

    /// <summary>Gets the codes of a semantic ID.</summary>
    /// <value>The default is 3.</value>
    public int Levels { get; init; } = 3;

    /// <summary>Gets the numbers in each vector that the model reads of its items; 0 where it reads none.</summary>
    public int VectorWidth { get; init; }

    /// <summary>Gets whether the items have vectors that the model reads.</summary>
    public bool HasVectors => VectorWidth > 0;

    /// <summary>Gets whether the run trains a quantizer, which takes a share of its time.</summary>
    public bool LearnsSemanticIds { get; init; }

    /// <summary>Gets the mean number of interactions of a training sequence.</summary>
    public double MeanLength => Users == 0 ? 0 : (double)Interactions / Users;

    /// <summary>Measures a data set.</summary>
    /// <param name="data">The data set.</param>
    /// <param name="levels">The codes of a semantic ID.</param>
    /// <param name="vectorWidth">The numbers in each vector that the model reads of its items; 0 where it reads none.</param>
    public static DataShape Of(SplitDataset data, int levels, int vectorWidth)
    {
        ArgumentNullException.ThrowIfNull(data);
        long all = 0, again = 0, kept = 0;
        foreach (var sequence in data.TrainSequences)
        {
            int count = sequence.ItemIds.Count;
            all += count;
            kept += Math.Min(count, RecipePreset.MaxHistory + 1);
            again += count - sequence.ItemIds.Distinct(StringComparer.Ordinal).Count();
        }

        return new DataShape
        {
            Users = data.TrainSequences.Count, Items = data.Items.Count, Interactions = kept,
            RepeatShare = all == 0 ? 0 : (double)again / all, Levels = levels, VectorWidth = vectorWidth,
        };
    }
}

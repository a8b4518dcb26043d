using System.ComponentModel.DataAnnotations;

namespace MiniOneRec.Baselines;

/// <summary>Holds the options that the sequential neural baselines share.</summary>
public abstract class SequentialModelOptions
{
    /// <summary>Gets or sets how many of a history's most recent items the model sees; longer training sequences are cut into
    /// pieces.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 1_024)]
    public int MaxLength { get; set; } = 50;

    /// <summary>Gets or sets D, the width of item embeddings and hidden states.</summary>
    /// <value>The default is 128.</value>
    [Range(2, 1 << 14)]
    public int HiddenSize { get; set; } = 128;

    /// <summary>Gets or sets the probability of dropout.</summary>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 0.95)]
    public double Dropout { get; set; } = 0.5;

    /// <summary>Gets or sets the learning rate.</summary>
    /// <value>The default is 0.001.</value>
    [Range(1e-8, 1.0)]
    public double LearningRate { get; set; } = 1e-3;

    /// <summary>Gets or sets the decoupled weight decay of matrices; vectors have none.</summary>
    /// <value>The default is 0.01.</value>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; set; } = 0.01;

    /// <summary>Gets or sets how many sequences make one step.</summary>
    /// <value>The default is 64.</value>
    [Range(1, 1 << 16)]
    public int BatchSize { get; set; } = 64;

    /// <summary>Gets or sets the largest number of passes over the training sequences.</summary>
    /// <value>The default is 100.</value>
    [Range(1, 100_000)]
    public int MaxEpochs { get; set; } = 100;

    /// <summary>Gets or sets the time that steps may take in all, or <see langword="null"/> for no limit; validations do not
    /// count.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public TimeSpan? MaxDuration { get; set; }

    /// <summary>Gets or sets how many epochs in a row may pass without a better validation NDCG@10 before training stops.</summary>
    /// <value>The default is 5.</value>
    [Range(1, 100_000)]
    public int Patience { get; set; } = 5;

    /// <summary>Gets or sets what is minimised behind every position.</summary>
    /// <value>The default is <see cref="NextItemLoss.FullSoftmax"/>; HSTU's is <see cref="NextItemLoss.SampledSoftmax"/>.</value>
    [EnumDataType(typeof(NextItemLoss))]
    public NextItemLoss Loss { get; set; } = NextItemLoss.FullSoftmax;

    /// <summary>Gets or sets J, how many items are drawn for each position; a full softmax draws none.</summary>
    /// <value>The default is that of the paper: 1 for SASRec, 3 for Caser, 32 for GRU4Rec, 128 for HSTU.</value>
    [Range(1, 1 << 16)]
    public int Negatives { get; set; } = 1;

    internal SequentialModelOptions Copy() => (SequentialModelOptions)MemberwiseClone();
}

using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Configures <see cref="TigerTrainer"/>.</summary>
public sealed class TigerOptions
{
    /// <summary>Gets or sets how many of a history's most recent items the encoder reads.</summary>
    /// <value>The default is 20.</value>
    [Range(1, 1_024)]
    public int MaxHistoryItems { get; set; } = 20;

    /// <summary>Gets or sets to how many tokens users are hashed; 0 for a model that does not know users.</summary>
    /// <value>The default is 2000.</value>
    [Range(0, 1 << 24)]
    public int UserTokens { get; set; } = 2_000;

    /// <summary>Gets or sets D, the model width.</summary>
    /// <value>The default is 128.</value>
    [Range(2, 1 << 14)]
    public int HiddenSize { get; set; } = 128;

    /// <summary>Gets or sets H, the number of heads.</summary>
    /// <value>The default is 6.</value>
    [Range(1, 256)]
    public int Heads { get; set; } = 6;

    /// <summary>Gets or sets the width of a head.</summary>
    /// <value>The default is 64.</value>
    [Range(1, 1_024)]
    public int HeadSize { get; set; } = 64;

    /// <summary>Gets or sets the width inside the feed-forward blocks.</summary>
    /// <value>The default is 1024.</value>
    [Range(1, 1 << 16)]
    public int FeedForwardSize { get; set; } = 1_024;

    /// <summary>Gets or sets the number of blocks of the encoder, and of the decoder.</summary>
    /// <value>The default is 4.</value>
    [Range(1, 256)]
    public int Layers { get; set; } = 4;

    /// <summary>Gets or sets the probability of dropout.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0.0, 0.95)]
    public double Dropout { get; set; } = 0.1;

    /// <summary>Gets or sets the largest learning rate; a warm-up leads to it and a cosine down from it.</summary>
    /// <value>The default is 0.0005.</value>
    [Range(1e-8, 1.0)]
    public double LearningRate { get; set; } = 5e-4;

    /// <summary>Gets or sets the steps of the warm-up.</summary>
    /// <value>The default is 100.</value>
    [Range(0, 1 << 30)]
    public int WarmupSteps { get; set; } = 100;

    /// <summary>Gets or sets the decoupled weight decay of matrices; vectors have none.</summary>
    /// <value>The default is 0.000001.</value>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; set; } = 1e-6;

    /// <summary>Gets or sets how many rows, each a history and its next item, make one step.</summary>
    /// <value>The default is 256.</value>
    [Range(1, 1 << 16)]
    public int BatchSize { get; set; } = 256;

    /// <summary>Gets or sets the largest number of passes over the training rows.</summary>
    /// <value>The default is 200.</value>
    [Range(1, 100_000)]
    public int MaxEpochs { get; set; } = 200;

    /// <summary>Gets or sets the time that steps may take in all, or <see langword="null"/> for no limit; validations do not
    /// count.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public TimeSpan? MaxDuration { get; set; }

    /// <summary>Gets or sets how many validations in a row may pass without a better NDCG@10 before training stops; there is one after each
    /// epoch.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 100_000)]
    public int Patience { get; set; } = 10;

    /// <summary>Gets or sets how many validation rows are ranked, drawn by the seed.</summary>
    /// <value>The default is 1000.</value>
    [Range(1, 1 << 30)]
    public int ValidationRows { get; set; } = 1_000;

    /// <summary>Gets or sets the beam width of validations.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1 << 16)]
    public int ValidationBeamWidth { get; set; } = 10;

    /// <summary>Gets or sets the beam width of answers; a request for more items widens it.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 1 << 16)]
    public int BeamWidth { get; set; } = 50;

    internal TigerOptions Validated() => OptionsValidation.Validated(this, new TigerOptionsValidator());

    internal TigerOptions Copy() => (TigerOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class TigerOptionsValidator : IValidateOptions<TigerOptions>;

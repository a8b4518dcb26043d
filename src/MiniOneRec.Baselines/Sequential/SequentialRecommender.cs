using MiniOneRec.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>A neural baseline that reads a history item by item and scores every item of the catalogue.</summary>
/// <remarks>
/// Scores are log-probabilities in nats. A history without a known item is answered by the logarithm of smoothed training popularity.
/// </remarks>
public abstract class SequentialRecommender : ScoringRecommender, IDisposable
{
    private readonly float[] _unconditional;
    private readonly SequentialModelOptions _options;

    private protected SequentialRecommender(string name, ItemCatalogue catalogue, SequentialModel model, SequentialModelOptions options)
        : base(name, catalogue)
    {
        (Model, _options) = (model, options);
        double total = catalogue.Counts.Sum(count => count + 1.0);
        _unconditional = [.. catalogue.Counts.Select(count => (float)Math.Log((count + 1) / total))];
        model.eval();
    }

    /// <summary>Gets the result of training, or <see langword="null"/> where the recommender was loaded.</summary>
    public TrainingResult? Training { get; internal set; }

    /// <summary>Gets the number of weights.</summary>
    public long ParameterCount => Model.parameters().Sum(parameter => parameter.numel());

    /// <inheritdoc/>
    public override string? Fingerprint =>
        WeightsFingerprint.Of(Model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter)));

    internal SequentialModel Model { get; }

    /// <summary>Saves options, catalogue and weights as one folder; an earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved recommender of this kind, or holds files of
    /// others.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public override Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, cancellationToken);

    /// <summary>Saves the folder even where something else is in its place.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default) =>
        SequentialFolder.SaveAsync(folder, Name, Catalogue, Model, ArtifactManifest.ToOptions<object>(_options), overwrite,
            cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected override void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores) =>
        ScoreTimedRows([.. histories.Select(history => (ItemRows)history)], scores);

    private protected override void ScoreTimedRows(IReadOnlyList<ItemRows> histories, Span<float> scores)
    {
        int items = Catalogue.Count;
        int[] known = [.. Enumerable.Range(0, histories.Count).Where(b => histories[b].Length > 0)];
        foreach (int b in Enumerable.Range(0, histories.Count).Except(known))
        {
            _unconditional.CopyTo(scores[(b * items)..]);
        }

        if (known.Length == 0)
        {
            return;
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = SequenceBatch.ForRanking([.. known.Select(b => histories[b].Last(_options.MaxLength))], Model.Device);
        var logProbabilities = F.log_softmax(Model.Forward(batch), 1).cpu();                // [B, N]
        var values = logProbabilities.data<float>();
        float[] row = new float[items];
        for (int i = 0; i < known.Length; i++)
        {
            values.CopyTo(row, 0, (long)i * items);
            row.CopyTo(scores[(known[i] * items)..]);
        }
    }
}

using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Trains an <see cref="RqVae"/>: AdamW, warm-up, clipping, revival of dead codes.</summary>
/// <remarks>Every epoch draws from generators seeded by the run's seed and its number.</remarks>
internal sealed class RqVaeTrainer : QuantizerTraining
{
    private readonly RqVae _model;
    private readonly QuantizerTrainingOptions _options;

    public RqVaeTrainer(RqVae model, QuantizerTrainingOptions options)
        : base(options)
    {
        (_model, _options) = (model, options);
        Update = new GradientUpdate(model.parameters().Where(parameter => parameter.requires_grad), options.ToUpdate());
    }

    protected override GradientUpdate Update { get; }

    protected override IReadOnlyList<string> LossNames { get; } = ["loss", "reconstruction"];

    protected override IEnumerable<(string Name, Tensor Value)> Weights => _model.Tensors();

    /// <summary>Starts the codebooks with k-means of each level's residuals over the whole catalogue.</summary>
    public void InitialiseCodebooks(Tensor x, KMeansSettings settings, Random random, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        bool training = _model.training;
        _model.eval();
        var residual = EncodeAll(x);                                                        // [N, Z]
        foreach (var level in _model.Quantizer.Levels)
        {
            using var step = NewDisposeScope();
            var clusters = KMeans.Fit(residual, (int)level.Codebook.size(0), settings, random, cancellationToken);
            level.Initialise(clusters.Centres);
            level.StartAverages(PerStep(clusters.Labels, level));
            residual = (residual - clusters.Centres.index_select(0, clusters.Labels)).MoveToOuterDisposeScope();
        }

        _model.train(training);
    }

    /// <summary>Starts the codebooks with those of a residual quantizer over the same space.</summary>
    /// <param name="codebooks">The codebooks.</param>
    /// <param name="codes">The codes of the catalogue, <c>[N, L]</c>.</param>
    public void StartCodebooks(ResidualCodebooks codebooks, Tensor codes)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        for (int level = 0; level < codebooks.Levels.Count; level++)
        {
            var target = _model.Quantizer.Levels[level];
            target.Initialise(codebooks.Levels[level].Centres);
            target.StartAverages(PerStep(codes.select(1, level), target));
        }
    }

    /// <summary>Takes one step.</summary>
    /// <param name="batch">Vectors, <c>[B, E]</c>.</param>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <returns>Total and reconstruction loss before the step, the gradient's norm before clipping (NaN without clipping), and codes
    /// revived.</returns>
    public (Tensor Loss, Tensor Reconstruction, double GradientNorm, long Revived) Step(Tensor batch, double learningRate)
    {
        var (total, reconstruction, update, revived) = LearnFrom(batch, learningRate);
        return (total, reconstruction, update.Norm, revived);
    }

    protected override (Tensor[] Losses, UpdateOutcome Update) Learn(Tensor rows, double learningRate)
    {
        var (total, reconstruction, update, revived) = LearnFrom(rows, learningRate);
        Counted += revived;
        return ([total, reconstruction], update);
    }

    protected override void EndEpoch(Dictionary<string, double> metrics) => metrics["revived"] = Counted;

    private (Tensor Loss, Tensor Reconstruction, UpdateOutcome Update, long Revived) LearnFrom(Tensor batch, double learningRate)
    {
        using var scope = NewDisposeScope();
        Optimizer.ForgetGradients();
        var output = _model.Forward(batch);
        output.Loss.backward();
        var update = Update.Apply(learningRate);
        long revived = 0;
        for (int level = 0; level < _model.Quantizer.Levels.Count; level++)
        {
            revived += _model.Quantizer.Levels[level].Update(output.Quantised.Residuals[level], output.Quantised.Codes.select(1, level));
        }

        return (output.Loss.detach().MoveToOuterDisposeScope(), output.ReconstructionLoss.detach().MoveToOuterDisposeScope(), update,
            revived);
    }

    /// <inheritdoc cref="QuantizerTraining.Train"/>
    public TrainingResult Run(
        string stage, Tensor x, int seed, FitState start, IProgress<TrainingProgress>? progress, RunCheckpoint<FitState>? checkpoint,
        CancellationToken cancellationToken)
    {
        _model.train();
        var result = Train(stage, x, seed, start, progress, checkpoint, cancellationToken);
        _model.eval();
        return result;
    }

    /// <summary>Maps a catalogue to latent vectors in pieces.</summary>
    public Tensor EncodeAll(Tensor x)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long at = 0; at < x.size(0); at += 8192)
        {
            parts.Add(_model.Encode(x.narrow(0, at, Math.Min(8192, x.size(0) - at))));
        }

        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>Counts how often a step of the batch size uses each code, which is what the moving averages count.</summary>
    private Tensor PerStep(Tensor labels, VectorQuantizer level) =>
        labels.bincount(null, minlength: level.Codebook.size(0))
            .to_type(level.Codebook.dtype) * Scalars.Of((double)Math.Min(_options.BatchSize, labels.size(0)) / labels.size(0));
}

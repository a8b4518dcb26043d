using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tokenization;

/// <summary>Trains an <see cref="FsqModel"/> on the reconstruction of standardised vectors.</summary>
internal sealed class FsqTrainer : QuantizerTraining
{
    private const long SpreadRows = 16_384;
    private readonly FsqModel _model;
    private readonly VectorScale _scale;

    /// <param name="model">The model.</param>
    /// <param name="scale">Standardises vectors; not owned.</param>
    /// <param name="options">The options.</param>
    public FsqTrainer(FsqModel model, VectorScale scale, QuantizerTrainingOptions options)
        : base(options)
    {
        (_model, _scale) = (model, scale);
        Update = new GradientUpdate(model.Parameters, options.ToUpdate());
    }

    protected override GradientUpdate Update { get; }

    protected override IReadOnlyList<string> LossNames { get; } = ["loss"];

    protected override IEnumerable<(string Name, Tensor Value)> Weights => _model.Tensors();

    protected override bool ShufflesOneBatch => true;

    // As version 0.1 did: the orders of all epochs are drawn from one seed.
    protected override bool SeedsEpochs => false;

    /// <summary>Spreads the latent dimensions over their steps.</summary>
    public void Spread(Tensor x)
    {
        using var scope = NewDisposeScope();
        long count = x.size(0);
        var some = randperm(count, device: x.device).narrow(0, 0, Math.Min(count, SpreadRows));
        _model.Spread(_scale.Standardise(x.index_select(0, some)));
    }

    protected override (Tensor[] Losses, UpdateOutcome Update) Learn(Tensor rows, double learningRate)
    {
        var target = _scale.Standardise(rows);
        Optimizer.ForgetGradients();
        var loss = F.mse_loss(_model.Forward(target), target);
        loss.backward();
        return ([loss.detach()], Update.Apply(learningRate));
    }
}

using System.Globalization;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Fits an RQ-VAE, from a checkpoint where there is one.</summary>
/// <param name="Kind">The kind of the quantizer.</param>
/// <param name="Options">The options.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Logger">Told where a run goes on.</param>
internal sealed record RqVaeFit(string Kind, RqVaeOptions Options, int Seed, ILogger Logger)
{
    /// <summary>Gets whether the encoder adds to its input, as that of RQ-KMeans+ does.</summary>
    public bool ResidualEncoder { get; init; }

    /// <summary>Makes the identity of a fit.</summary>
    /// <param name="embeddings">The catalogue.</param>
    public RunIdentity Identity(EmbeddingTable embeddings) => new()
    {
        Kind = Kind + "-checkpoint",
        MadeFrom = new Dictionary<string,
        string> { ["vectors"] = embeddings.Fingerprint(), ["seed"] = Seed.ToString(CultureInfo.InvariantCulture) },
        Options = ArtifactManifest.ToOptions(Options),
        WeightPrefix = RqVaeTrainer.ModelPrefix,
    };

    /// <summary>Trains.</summary>
    /// <param name="embeddings">The catalogue.</param>
    /// <param name="x">The same on the device, <c>[N, E]</c>.</param>
    /// <param name="initialise">Makes the first codebooks, where the run does not go on from a checkpoint.</param>
    /// <param name="progress">Told once per epoch.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    public (RqVaeModel Model, TrainingResult Result) Run(
        EmbeddingTable embeddings, Tensor x, Action<RqVaeTrainer> initialise, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        var model = new RqVae(Options, embeddings.Width, ResidualEncoder);
        try
        {
            model.to(x.device);
            using var trainer = new RqVaeTrainer(model, Options.Training);
            var checkpoint = Options.Training.Checkpoints.Folder is { } folder
                ? new RunCheckpoint<RunState>(folder, Identity(embeddings), new OldRqVaeCheckpoint(folder)) : null;
            int epoch = Resume(checkpoint, trainer, x);
            if (epoch == 0)
            {
                initialise(trainer);
            }

            var result = trainer.Run(Kind, x, Seed, epoch, progress, checkpoint, cancellationToken);
            return (new RqVaeModel(model, embeddings.Width), result);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private int Resume(RunCheckpoint<RunState>? checkpoint, RqVaeTrainer trainer, Tensor x)
    {
        bool resumes = Options.Training.Checkpoints.Resume;
        checkpoint?.Begin(resumes);
        if (!resumes || checkpoint?.Load(trainer.State()) is not { Step: > 0 } state)
        {
            return 0;
        }

        trainer.Optimizer.RestoreSteps(state.Step);
        int epoch = (int)(state.Step / trainer.BatchesOf(x));
        Log.FitResumed(Logger, Kind, epoch, Options.Training.Checkpoints.Folder!);
        if (checkpoint.OtherEnvironment is { } there)
        {
            Log.FitInOtherEnvironment(Logger, Kind, there, RunEnvironment.Current().ToString());
        }

        return epoch;
    }
}

using System.Diagnostics;
using Microsoft.Extensions.Logging;
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

    /// <summary>Gets the checkpoints of the fit.</summary>
    public FitCheckpoints Checkpoints => new(Kind, Options.Training, ArtifactManifest.ToOptions(Options), Seed, Logger);

    /// <summary>Trains.</summary>
    /// <param name="embeddings">The catalogue.</param>
    /// <param name="x">The same on the device, <c>[N, E]</c>.</param>
    /// <param name="initialise">Makes the first codebooks, where the run does not go on from a checkpoint.</param>
    /// <param name="progress">Told once per epoch.</param>
    /// <param name="cancellationToken">Stops after a whole step, which is saved.</param>
    public (RqVaeModel Model, TrainingResult Result) Run(
        EmbeddingTable embeddings, Tensor x, Action<RqVaeTrainer> initialise, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        var model = new RqVae(Options, embeddings.Width, ResidualEncoder);
        try
        {
            model.to(x.device);
            using var trainer = new RqVaeTrainer(model, Options.Training);
            var checkpoint = Checkpoints.Open(embeddings, folder => new OldRqVaeCheckpoint(folder));
            var start = Checkpoints.Resume(checkpoint, trainer, x);
            if (start.Step == 0)
            {
                long began = Stopwatch.GetTimestamp();
                initialise(trainer);
                start = start with { Prepared = Stopwatch.GetElapsedTime(began) };
            }

            var result = trainer.Run(Kind, x, Seed, start, progress, checkpoint, cancellationToken);
            return (new RqVaeModel(model, embeddings.Width), result);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Opens the checkpoints of a fit, and says where it goes on.</summary>
/// <param name="Kind">The kind of the quantizer.</param>
/// <param name="Training">How it is trained.</param>
/// <param name="Options">All of its options, as a manifest holds them.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Logger">Told where a run goes on.</param>
internal sealed record FitCheckpoints(string Kind, QuantizerTrainingOptions Training, JsonObject Options, int Seed, ILogger Logger)
{
    /// <summary>Makes the identity of a fit.</summary>
    /// <param name="embeddings">The catalogue.</param>
    public RunIdentity Identity(EmbeddingTable embeddings) => new()
    {
        Kind = Kind + "-checkpoint",
        MadeFrom = new Dictionary<string, string>
        {
            ["vectors"] = embeddings.Fingerprint(), ["seed"] = Seed.ToString(CultureInfo.InvariantCulture),
        },
        Options = Options,
        WeightPrefix = QuantizerTraining.ModelPrefix,
    };

    /// <summary>Opens the checkpoints, or returns <see langword="null"/> where the options ask for none.</summary>
    /// <param name="embeddings">The catalogue.</param>
    /// <param name="old">Makes what reads a checkpoint of version 0.1 in a folder, or <see langword="null"/>.</param>
    public RunCheckpoint<FitState>? Open(EmbeddingTable embeddings, Func<string, IOldCheckpoint<FitState>>? old = null) =>
        Training.Checkpoints.Folder is { } folder ? new(folder, Identity(embeddings), old?.Invoke(folder)) : null;

    /// <summary>Continues from the newest checkpoint where there is one that is to be continued.</summary>
    /// <param name="checkpoint">The checkpoints, or <see langword="null"/> for none.</param>
    /// <param name="trainer">Whose weights and moments are filled.</param>
    /// <param name="x">The catalogue, <c>[N, E]</c>.</param>
    /// <returns>Where the fit stands; step 0 where it begins.</returns>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or of another fit.</exception>
    public FitState Resume(RunCheckpoint<FitState>? checkpoint, QuantizerTraining trainer, Tensor x)
    {
        bool resumes = Training.Checkpoints.Resume;
        checkpoint?.Begin(resumes);
        if (!resumes || checkpoint?.Load(trainer.State()) is not { Step: > 0 } state)
        {
            return new FitState();
        }

        if (!trainer.Fits(state, x))
        {
            throw new InvalidDataException(
                $"Checkpoint '{checkpoint.Latest}': key 'options.state' lacks the losses of the epoch at step {state.Step}.");
        }

        trainer.Optimizer.RestoreSteps(state.Step);
        long total = trainer.BatchesOf(x) * Training.Epochs;
        Log.FitResumed(Logger, Kind, state.Step, total, Training.Checkpoints.Folder!);
        if (checkpoint.OtherEnvironment is { } there)
        {
            Log.FitInOtherEnvironment(Logger, Kind, there, RunEnvironment.Current().ToString());
        }

        return state;
    }
}

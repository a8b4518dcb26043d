using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Reads and writes a T5 encoder-decoder as a folder of Hugging Face: <c>config.json</c> and weights in safetensors.</summary>
public static class T5Folder
{
    /// <summary>Loads the T5 of a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="device">Where the weights go; the CPU by default.</param>
    /// <param name="type">The type of the weights; by default the stored one, and float32 where that is float16.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="FileNotFoundException">The folder holds no safetensors checkpoint, or a shard is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or keys and shapes differ from what <c>config.json</c>
    /// describes.</exception>
    public static Task<T5Model> LoadAsync(
        string path, Device? device = null, ScalarType? type = null, CancellationToken cancellationToken = default) =>
        LoadAsync(path, new CheckpointLoadOptions { Device = device, Type = type }, cancellationToken);

    /// <summary>Loads the T5 of a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">How to load it.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="FileNotFoundException">The folder holds no safetensors checkpoint, or a shard is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or keys and shapes differ from what <c>config.json</c>
    /// describes.</exception>
    public static Task<T5Model> LoadAsync(string path, CheckpointLoadOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec load", () =>
        {
            using var folder = HuggingFaceFolder.Open(path);
            string file = Path.Combine(path, HuggingFaceFolder.ConfigFile);
            var notes = new List<string>();
            var config = T5Config.FromJson(CheckpointJson.ReadText(file), file, notes);
            folder.Note(notes);
            folder.Tell(options.Logger);
            var source = new T5Weights(path, folder.Tensors, config);
            return WeightLoader.Load(
                () => new T5Model(config), source, options.Device ?? CPU, options.Type ?? source.NaturalType(), options.CheckFinite);
        });
    }

    /// <summary>Writes a T5 as a folder that Hugging Face tools open; an earlier folder stays whole until the new one is
    /// complete.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="model">The model.</param>
    /// <param name="options">What to write beside the weights.</param>
    /// <param name="cancellationToken">Stops between tensors and leaves the earlier folder.</param>
    /// <exception cref="IOException">
    /// The folder holds files that are not part of a checkpoint and the options do not say to replace it, or it cannot be written.
    /// </exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public static Task SaveAsync(string path, T5Model model, HuggingFaceSaveOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var config = model.Config.ToJson(HuggingFaceFolder.NameOf(model.EmbeddingWeight.dtype));
        return HuggingFaceFolder.SaveAsync(path, model, config, options, cancellationToken);
    }
}

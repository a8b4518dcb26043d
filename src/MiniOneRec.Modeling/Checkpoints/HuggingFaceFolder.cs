using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A checkpoint folder as Hugging Face writes it: configuration, weights in safetensors, tokenizer.</summary>
/// <remarks>
/// Weights are mapped: on the CPU, in the type they are stored in, they are pages of the file, which the system drops and reads again as it
/// needs, shared between processes. Training such weights copies the touched pages and never changes the file.
/// </remarks>
public sealed class HuggingFaceFolder : IDisposable
{
    internal const string ConfigFile = "config.json";
    internal const string GenerationFile = "generation_config.json";
    internal const string TokenizerFile = "tokenizer.json";
    internal const string TokenizerConfigFile = "tokenizer_config.json";
    private readonly SafetensorsFolder _tensors;
    private readonly List<string> _warnings = [];
    private int _told;

    private HuggingFaceFolder(string path, SafetensorsFolder tensors) => (Path, _tensors) = (path, tensors);

    /// <summary>Gets the folder.</summary>
    public string Path { get; }

    /// <summary>Gets which file holds which tensor; empty where a single file holds all.</summary>
    public IReadOnlyDictionary<string, string> ShardMap => _tensors.ShardMap;

    /// <summary>Gets the keys of the stored tensors.</summary>
    public IReadOnlyCollection<string> Keys => _tensors.Keys;

    /// <summary>Gets what was read so far and could not be obeyed: unknown keys, and keys in whose place an option of this library
    /// decides.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Opens a folder: reads and checks the headers of its weights, and no more.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="FileNotFoundException">The folder holds no safetensors checkpoint, or a shard is missing.</exception>
    /// <exception cref="InvalidDataException">A header or the shard map is malformed, or the map names files outside the
    /// folder.</exception>
    public static HuggingFaceFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Directory.Exists(path)
            ? new HuggingFaceFolder(path, SafetensorsFolder.Open(path))
            : throw new DirectoryNotFoundException($"Model folder '{path}' does not exist.");
    }

    /// <summary>Loads the decoder of a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="device">Where the weights go; the CPU by default.</param>
    /// <param name="type">The type of the weights; by default the stored one, and float32 where that is float16.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="InvalidDataException">A file is malformed, or keys and shapes differ from what <c>config.json</c>
    /// describes.</exception>
    public static Task<DecoderModel> LoadDecoderAsync(
        string path, Device? device = null, ScalarType? type = null, CancellationToken cancellationToken = default) =>
        LoadDecoderAsync(path, new CheckpointLoadOptions { Device = device, Type = type }, cancellationToken);

    /// <summary>Loads the decoder of a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">How to load it.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="InvalidDataException">A file is malformed, or keys and shapes differ from what <c>config.json</c>
    /// describes.</exception>
    public static Task<DecoderModel> LoadDecoderAsync(string path, CheckpointLoadOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec load", () =>
        {
            using var folder = Open(path);
            return folder.LoadDecoder(options);
        });
    }

    /// <summary>Writes a model as a folder that Hugging Face tools open; an earlier folder stays whole until the new one is
    /// complete.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="model">The model.</param>
    /// <param name="options">What to write beside the weights.</param>
    /// <param name="cancellationToken">Stops between tensors and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder holds files that are not part of a checkpoint and the options do not say to replace it, or
    /// it cannot be written.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public static Task SaveAsync(string path, CausalLanguageModel model, HuggingFaceSaveOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return SaveAsync(path, model, model.DescribeConfig(NameOf(model.EmbeddingWeight.dtype)), options, cancellationToken);
    }

    /// <summary>Reads the architecture.</summary>
    /// <exception cref="InvalidDataException">The file is no configuration of a decoder that this library knows.</exception>
    public DecoderConfig ReadConfig()
    {
        string file = System.IO.Path.Combine(Path, ConfigFile);
        var notes = new List<string>();
        var config = DecoderConfig.FromJson(CheckpointJson.ReadText(file), file, notes);
        Note(notes);
        return config;
    }

    /// <summary>Reads how the checkpoint wants to be decoded, from <c>generation_config.json</c> or else <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">A key has another type.</exception>
    public GenerationConfig ReadGenerationConfig()
    {
        string file = System.IO.Path.Combine(Path, GenerationFile);
        var notes = new List<string>();
        bool own = File.Exists(file);
        file = own ? file : System.IO.Path.Combine(Path, ConfigFile);
        var config = GenerationConfig.FromJson(CheckpointJson.ReadText(file), file, own, notes);
        Note(notes);
        return own ? config : config with { Other = [] };
    }

    /// <summary>Makes a tensor that lies on the mapped file, or copies where the file's alignment forbids it.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="KeyNotFoundException">The folder holds no such tensor.</exception>
    public Tensor Read(string key) =>
        _tensors.TryFind(key, out _, out _) ? _tensors.View(key)
            : throw new KeyNotFoundException($"Folder '{Path}' holds no tensor '{key}'.");

    /// <summary>Loads the decoder; the weights stay valid after this object is disposed.</summary>
    /// <param name="device">Where the weights go; the CPU by default.</param>
    /// <param name="type">The type of the weights; by default the stored one, and float32 where that is float16.</param>
    /// <exception cref="InvalidDataException">Keys and shapes differ from what <c>config.json</c> describes; the message names the
    /// key.</exception>
    public DecoderModel LoadDecoder(Device? device = null, ScalarType? type = null) =>
        LoadDecoder(new CheckpointLoadOptions { Device = device, Type = type });

    /// <summary>Loads the decoder; the weights stay valid after this object is disposed.</summary>
    /// <param name="options">How to load it.</param>
    /// <exception cref="InvalidDataException">Keys and shapes differ from what <c>config.json</c> describes; the message names the
    /// key.</exception>
    public DecoderModel LoadDecoder(CheckpointLoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return LoadDecoder(ReadConfig(), options);
    }

    /// <summary>Gets the stored tensors.</summary>
    internal SafetensorsFolder Tensors => _tensors;

    /// <summary>Loads the decoder under a configuration that the caller has read.</summary>
    internal DecoderModel LoadDecoder(DecoderConfig config, Device? device, ScalarType? type) =>
        LoadDecoder(config, new CheckpointLoadOptions { Device = device, Type = type });

    /// <inheritdoc/>
    public void Dispose() => _tensors.Dispose();

    private DecoderModel LoadDecoder(DecoderConfig config, CheckpointLoadOptions options)
    {
        var (device, form) = (options.Device ?? CPU, ReadForm());
        CausalLanguageModel.RequireForm(form, nameof(DecoderModel), device);
        var source = new DecoderWeights(Path, _tensors, config, form);
        if (!config.TieWordEmbeddings && !options.RequireHead && source.Resolve(DecoderTensorNames.Head) is null)
        {
            config = config with { HasHead = false };
            Note([
                $"'{Path}': the checkpoint holds no output head and does not tie it; "
                + "the model gives hidden states and predicts no tokens."]);
        }

        Tell(options.Logger);
        var model = WeightLoader.Load(() => new DecoderModel(config), source, device, options.Type ?? source.NaturalType(),
            options.CheckFinite);
        if (SmallWeight.IsSmall(form))
        {
            try
            {
                model.TakeStored(form, source);
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }

        return model;
    }

    private ServingWeights ReadForm()
    {
        string file = System.IO.Path.Combine(Path, ConfigFile);
        return ConfigReader.Parse(CheckpointJson.ReadText(file), file, SmallWeightFile.FormOf);
    }

    /// <summary>Writes into an existing folder that the caller swaps in.</summary>
    internal static Task WriteAsync(string folder, CausalLanguageModel model, HuggingFaceSaveOptions options,
        CancellationToken cancellationToken) =>
        WriteAsync(folder, model, model.DescribeConfig(NameOf(model.EmbeddingWeight.dtype)), options, cancellationToken);

    /// <summary>Writes a model of any architecture with its configuration.</summary>
    internal static Task SaveAsync(string path, nn.Module model, JsonObject config, HuggingFaceSaveOptions? options,
        CancellationToken cancellationToken)
    {
        options ??= new HuggingFaceSaveOptions();
        return AtomicFile.WriteFolderAsync(
            path, aside => WriteAsync(aside, model, config, options, cancellationToken), name => IsOfCheckpoint(name, options),
            options.Overwrite, cancellationToken);
    }

    /// <summary>Gets the name of a type of weights in <c>config.json</c>.</summary>
    internal static string NameOf(ScalarType type) => type switch
    {
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Float16 => "float16",
        ScalarType.Float32 => "float32",
        _ => throw new ArgumentException($"Weights of type {type} cannot be saved; expected float32, bfloat16 or float16."),
    };

    /// <summary>Keeps what was read and could not be obeyed; a file that is read twice says the same twice.</summary>
    internal void Note(IEnumerable<string> notes) => _warnings.AddRange(notes.Except(_warnings));

    /// <summary>Logs the warnings that were not logged yet.</summary>
    internal void Tell(ILogger? logger)
    {
        for (; logger is not null && _told < _warnings.Count; _told++)
        {
            Log.SettingsNote(logger, _warnings[_told]);
        }
    }

    private static async Task WriteAsync(string folder, nn.Module model, JsonObject config, HuggingFaceSaveOptions options,
        CancellationToken cancellationToken)
    {
        foreach (var (key, value) in options.Generation?.TokenKeysToJson() ?? [])
        {
            config[key] = value;
        }

        if (SmallWeight.IsSmall(options.Weights))
        {
            config[SmallWeightFile.Key] = SmallWeightFile.Describe(options.Weights);
        }

        await CheckpointJson.WriteAsync(System.IO.Path.Combine(folder, ConfigFile), config, cancellationToken).ConfigureAwait(false);
        if (options.Generation is not null)
        {
            await CheckpointJson.WriteAsync(System.IO.Path.Combine(folder, GenerationFile), options.Generation.ToJson(), cancellationToken)
                .ConfigureAwait(false);
        }

        if (options.Tokenizer is not null)
        {
            await options.Tokenizer.SaveAsync(folder, cancellationToken).ConfigureAwait(false);
        }

        if (model is CausalLanguageModel { IsQuantized: true } quantized)
        {
            throw quantized.NotWhole("saved");
        }

        (string, Tensor)[] tensors = [.. model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))];
        FiniteWeights.Require(tensors, "The model");
        if (SmallWeight.IsSmall(options.Weights))
        {
            var rounded = ((CausalLanguageModel)model).Rounded(options.Weights);
            try
            {
                await SafetensorsFolderWriter.WriteAsync(folder, rounded, options, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                foreach (var (_, made) in rounded.Where(tensor => tensor.Value is not Parameter))
                {
                    made.Dispose();
                }
            }

            return;
        }

        await SafetensorsFolderWriter.WriteAsync(folder, tensors, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether a file is one that <see cref="SaveAsync(string, CausalLanguageModel, HuggingFaceSaveOptions, CancellationToken)"/>
    /// writes.</summary>
    private static bool IsOfCheckpoint(string name, HuggingFaceSaveOptions options) =>
        name is ConfigFile or GenerationFile or ShardIndex.FileName or SafetensorsFolder.SingleFile or TokenizerFile or TokenizerConfigFile
            || (name.StartsWith("model-", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal))
            || options.ShardMap?.Values.Contains(name, StringComparer.Ordinal) == true;
}

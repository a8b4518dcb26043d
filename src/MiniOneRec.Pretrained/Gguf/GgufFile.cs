using Microsoft.Win32.SafeHandles;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>A GGUF file, version 3: how small pretrained models travel, weights and tokenizer in one file. Read only.</summary>
/// <remarks>
/// Architectures <c>llama</c>, <c>qwen2</c> and <c>qwen3</c>; elements F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K.
/// Quantised elements become float32 when they are read. Not safe for concurrent use.
/// </remarks>
public sealed class GgufFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly GgufHeader _header;
    private readonly MappedFile _map;

    private GgufFile(string path, SafeFileHandle handle)
    {
        (Path, _handle, _header) = (path, handle, new GgufHeader(handle, path));
        _map = new MappedFile(path);
    }

    /// <summary>Gets the file.</summary>
    public string Path { get; }

    /// <summary>Gets the names of the tensors, as the file has them.</summary>
    public IReadOnlyCollection<string> Keys => [.. _header.Tensors.Keys];

    internal GgufHeader Header => _header;

    /// <summary>Opens a file: reads and checks metadata and tensor table, and no more.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is malformed; the message names the place.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"GGUF file '{path}' does not exist.", path);
        }

        var handle = File.OpenHandle(path);
        try
        {
            return new GgufFile(path, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Loads the decoder of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the weights go; the CPU by default.</param>
    /// <param name="type">The type of the weights; float32 by default, bfloat16 where the file stores that.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="InvalidDataException">The file is malformed or holds another architecture.</exception>
    public static Task<DecoderModel> LoadDecoderAsync(
        string path, Device? device = null, ScalarType? type = null, CancellationToken cancellationToken = default) =>
        LoadDecoderAsync(path, new CheckpointLoadOptions { Device = device, Type = type }, cancellationToken);

    /// <summary>Loads the decoder of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to load it.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="InvalidDataException">The file is malformed or holds another architecture.</exception>
    public static Task<DecoderModel> LoadDecoderAsync(string path, CheckpointLoadOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec load", () =>
        {
            using var file = Open(path);
            return file.LoadDecoder(options);
        });
    }

    /// <summary>Reads the architecture.</summary>
    /// <exception cref="InvalidDataException">The metadata describe no decoder that this library knows; the message names the
    /// key.</exception>
    public DecoderConfig ReadConfig() => GgufConfig.Read(this, null);

    /// <summary>Reads which tokens begin, end and fill.</summary>
    /// <exception cref="InvalidDataException">A key has another type.</exception>
    public GenerationConfig ReadGenerationConfig() => new()
    {
        BosTokenId = _header.Integer("tokenizer.ggml.bos_token_id"),
        EosTokenIds = _header.Integer("tokenizer.ggml.eos_token_id") is { } end ? [end] : [],
        PadTokenId = _header.Integer("tokenizer.ggml.padding_token_id"),
    };

    /// <summary>Reads the tokenizer.</summary>
    /// <exception cref="InvalidDataException">The file holds no byte-level BPE tokenizer that this library knows.</exception>
    public TextTokenizer ReadTokenizer() => GgufTokenizer.Read(this);

    /// <summary>Reads a tensor under its name in the file, in the file's order of rows.</summary>
    /// <param name="key">The name.</param>
    /// <returns>The tensor; a view of the mapped file where it is stored as float32, float16 or bfloat16.</returns>
    /// <exception cref="KeyNotFoundException">The file holds no such tensor.</exception>
    public Tensor Read(string key)
    {
        if (!_header.Tensors.TryGetValue(key, out var tensor))
        {
            throw new KeyNotFoundException($"GGUF file '{Path}' holds no tensor '{key}'.");
        }

        return tensor.Type switch
        {
            GgufTensorType.F32 => _map.View(tensor.Start, ScalarType.Float32, tensor.Shape),
            GgufTensorType.F16 => _map.View(tensor.Start, ScalarType.Float16, tensor.Shape),
            GgufTensorType.BF16 => _map.View(tensor.Start, ScalarType.BFloat16, tensor.Shape),
            _ => Decode(tensor),
        };
    }

    /// <summary>Loads the decoder; the weights stay valid after this object is disposed.</summary>
    /// <param name="device">Where the weights go; the CPU by default.</param>
    /// <param name="type">The type of the weights; float32 by default, bfloat16 where the file stores that.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape; the message names it.</exception>
    public DecoderModel LoadDecoder(Device? device = null, ScalarType? type = null) =>
        LoadDecoder(new CheckpointLoadOptions { Device = device, Type = type });

    /// <summary>Loads the decoder; the weights stay valid after this object is disposed.</summary>
    /// <param name="options">How to load it.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape; the message names it.</exception>
    public DecoderModel LoadDecoder(CheckpointLoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var notes = new List<string>();
        var config = GgufConfig.Read(this, notes);
        if (options.Logger is { } logger)
        {
            notes.ForEach(note => Log.SettingsNote(logger, note));
        }

        var natural = _header.Tensors[GgufWeights.Embedding].Type == GgufTensorType.BF16 ? ScalarType.BFloat16 : ScalarType.Float32;
        return WeightLoader.Load(() => new DecoderModel(config), new GgufWeights(this, config), options.Device ?? CPU,
            options.Type ?? natural, options.CheckFinite);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _map.Dispose();
        _handle.Dispose();
    }

    private Tensor Decode(GgufTensor tensor)
    {
        using var scope = NewDisposeScope();
        var values = empty(tensor.Shape, dtype: ScalarType.Float32);
        using var flat = values.view(-1);
        int elements = GgufBlocks.ElementsOf(tensor.Type), blockBytes = GgufBlocks.BytesOf(tensor.Type);
        long blocks = tensor.Bytes / blockBytes, perChunk = (1 << 20) / elements;
        Tensor[] chunks = [.. Enumerable.Range(0, (int)((blocks + perChunk - 1) / perChunk))
            .Select(i => flat.narrow(0, i * perChunk * elements, Math.Min(perChunk, blocks - i * perChunk) * elements))];
        Parallel.For(0, chunks.Length, i =>
        {
            byte[] bytes = new byte[chunks[i].numel() / elements * blockBytes];
            long start = tensor.Start + i * perChunk * blockBytes;
            for (int done = 0; done < bytes.Length;)
            {
                int read = RandomAccess.Read(_handle, bytes.AsSpan(done), start + done);
                done += read > 0 ? read : throw new InvalidDataException($"GGUF file '{Path}' ends within the tensor '{tensor.Name}'.");
            }

            GgufBlocks.Decode(tensor.Type, bytes, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(chunks[i].bytes));
        });
        return values.MoveToOuterDisposeScope();
    }
}

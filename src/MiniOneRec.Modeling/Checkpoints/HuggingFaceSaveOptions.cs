using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>Holds what <see cref="HuggingFaceFolder"/> writes beside the weights, and the size of its shards.</summary>
public sealed record HuggingFaceSaveOptions
{
    /// <summary>Gets the size beyond which a checkpoint is cut into shards.</summary>
    /// <value>The default is 5,000,000,000 bytes.</value>
    public long MaxShardBytes { get; init; } = 5_000_000_000;

    /// <summary>Gets which file holds which tensor, to keep the shards of an earlier checkpoint; overrides
    /// <see cref="MaxShardBytes"/>.</summary>
    /// <value>The default is <see langword="null"/>; empty means one file.</value>
    public IReadOnlyDictionary<string, string>? ShardMap { get; init; }

    /// <summary>Gets the content of <c>generation_config.json</c>.</summary>
    /// <value>The default is <see langword="null"/>, no such file.</value>
    public GenerationConfig? Generation { get; init; }

    /// <summary>Gets the tokenizer whose files are written, added tokens included: a <c>TextTokenizer</c> of MiniOneRec.Pretrained, or one
    /// of your own.</summary>
    /// <value>The default is <see langword="null"/>, no such files.</value>
    public ICheckpointFiles? Tokenizer { get; init; }

    /// <summary>Gets whether an existing folder is replaced although it holds files that are not part of a checkpoint.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Overwrite { get; init; }

    /// <summary>Gets the form in which the layers' matrices are written.</summary>
    internal ServingWeights Weights { get; init; }

    /// <summary>Gets the bytes that the weights begin at a multiple of; the reference writer's are 8.</summary>
    internal int DataAlignment { get; init; } = SafetensorsFile.ReferenceAlignment;
}

namespace MiniOneRec.Modeling;

/// <summary>The names of a decoder's parameters, as published Hugging Face checkpoints spell them.</summary>
public static class DecoderTensorNames
{
    /// <summary>The embedding's module.</summary>
    public const string EmbeddingModule = "model.embed_tokens";

    /// <summary>The output head's module.</summary>
    public const string HeadModule = "lm_head";

    /// <summary>The input embedding, <c>[V, D]</c>.</summary>
    public const string Embedding = EmbeddingModule + ".weight";

    /// <summary>The output head, <c>[V, D]</c>; absent where it is the embedding.</summary>
    public const string Head = HeadModule + ".weight";

    /// <summary>The norm behind the last layer, <c>[D]</c>.</summary>
    public const string FinalNorm = "model.norm.weight";

    /// <summary>What the names of all layers' parameters begin with; the layer's number follows.</summary>
    public const string Layers = "model.layers.";

    /// <summary>Whether a parameter has one row per token of the vocabulary.</summary>
    /// <param name="name">The parameter's name.</param>
    public static bool HasTokenRows(string name) => name is Embedding or Head;

    /// <summary>Whether a stored tensor may be left unread.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <remarks>A head beside tied embeddings repeats them, and rotary tables follow from the configuration.</remarks>
    internal static bool IsRedundant(string name) => name == Head || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);
}

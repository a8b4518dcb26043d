using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Writes rows of codes into the embedding and head of a model with fresh weights.</summary>
internal static class FreshRows
{
    /// <param name="model">The model; its present rows say how far rows spread.</param>
    /// <param name="vocabulary">The codes.</param>
    /// <param name="initializer">Makes the rows.</param>
    /// <param name="seed">The seed of what is random in them.</param>
    public static void Write(CausalLanguageModel model, SemanticIdVocabulary vocabulary, TokenRowInitializer initializer, int seed)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long[] tokens = [.. Enumerable.Range(0, vocabulary.Depth).SelectMany(level => vocabulary.TokensOf(level).ToArray()).Where(token => token >= 0).Select(token => (long)token)];
        var places = tensor(tokens);
        foreach (var matrix in model.Config.TieWordEmbeddings ? [model.EmbeddingWeight] : new[] { model.EmbeddingWeight, model.HeadWeight })
        {
            using var generator = new Generator((ulong)seed);                               // the same projection for what is read and what is written
            matrix.index_copy_(0, places, initializer.MakeRows(matrix.detach(), vocabulary, generator));
        }
    }
}

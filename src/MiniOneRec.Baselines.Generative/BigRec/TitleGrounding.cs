using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Finds how far written titles are from the titles of a catalogue, by the last state of a language model.</summary>
/// <remarks>
/// Bao et al. (arXiv:2308.08434), equations 3 to 5: D is the Euclidean distance of the vectors, D̂ is D scaled to 0…1 for each written
/// title, C is the popularity scaled to 0…1, and titles are ranked by D̂·(1 + C)^(−γ), smallest first.
/// </remarks>
internal sealed class TitleGrounding : IDisposable
{
    private readonly TitleCatalogue _catalogue;
    private readonly Tensor _vectors;                                                       // [N, E] float32
    private readonly double[] _popularity;                                                  // C of each title

    /// <param name="catalogue">The titles.</param>
    /// <param name="vectors">Their vectors, <c>[N, E]</c>; owned from here on.</param>
    public TitleGrounding(TitleCatalogue catalogue, Tensor vectors)
    {
        (_catalogue, _vectors) = (catalogue, vectors.DetachFromDisposeScope());
        double[] counts = [.. catalogue.ItemsOf.Select(items => items.Sum(catalogue.PopularityOf))];
        double least = counts.Min(), span = counts.Max() - least;
        _popularity = [.. counts.Select(count => span == 0 ? 0 : (count - least) / span)];
    }

    /// <summary>Gets the vectors.</summary>
    public Tensor Vectors => _vectors;

    /// <summary>Embeds texts by the state of their last token, scaled to unit length.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="texts">The texts; at least one.</param>
    /// <param name="cancellationToken">Looked at between batches.</param>
    /// <returns><c>[B, E]</c> float32.</returns>
    public static async Task<Tensor> EmbedAsync(
        CausalLanguageModel model, TextTokenizer tokenizer, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        using var encoder = new DecoderTextEncoder(model, tokenizer, new DecoderEncoderOptions { AppendEndToken = false });
        var vectors = await encoder.GenerateAsync(texts, cancellationToken: cancellationToken).ConfigureAwait(false);
        float[] values = [.. vectors.SelectMany(vector => vector.Vector.ToArray())];
        return tensor(values, [texts.Count, model.Config.HiddenSize]).DetachFromDisposeScope();
    }

    /// <summary>Computes D̂.</summary>
    /// <param name="written">Vectors of what was written, <c>[B, E]</c>.</param>
    /// <returns>B rows of N distances, 0 to 1.</returns>
    public float[][] Distances(Tensor written)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var distances = cdist(written, _vectors);                                           // [B, N]
        var least = distances.amin([1], keepdim: true);                                     // [B, 1]
        var span = (distances.amax([1], keepdim: true) - least).clamp_min(Scalars.Of(1e-12));
        float[] values = ((distances - least) / span).data<float>().ToArray();
        return [.. values.Chunk(_catalogue.Titles.Length)];
    }

    /// <summary>Ranks all titles.</summary>
    /// <param name="distances">D̂ of each title.</param>
    /// <param name="power">γ.</param>
    /// <returns>Titles with D̂·(1 + C)^(−γ), smallest first; equal ones in the order of popularity.</returns>
    public IEnumerable<(int Title, double Value)> Rank(float[] distances, double power) => distances
        .Select((distance, title) => (title, Value: distance * Math.Pow(1 + _popularity[title], -power)))
        .OrderBy(pair => pair.Value).ThenByDescending(pair => _popularity[pair.title]);

    /// <inheritdoc/>
    public void Dispose() => _vectors.Dispose();
}

using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Why an item is in an answer.</summary>
/// <param name="LogProbabilities">The log-probability of each code of the semantic ID, then of the terminator's tokens, over the full
/// vocabulary, in nats.</param>
/// <param name="Sources">What is mixed at the item: the codes first, then dense head and priors.</param>
internal sealed record AnswerReason(double[] LogProbabilities, IReadOnlyList<AnswerSource> Sources);

/// <summary>One of the distributions that decoding mixes.</summary>
/// <param name="Name"><c>codes</c>, <c>dense</c>, or the class of a prior.</param>
/// <param name="Weight">Its share.</param>
/// <param name="Probability">The probability that it gives the item.</param>
internal readonly record struct AnswerSource(string Name, double Weight, double Probability);

/// <summary>Computes again, for items of an answer, what the search mixed: log-probabilities of codes, dense head, priors.</summary>
/// <remarks>One pass over the prompt and the tree of all asked semantic IDs, on the calling thread.</remarks>
internal static class AnswerExplainer
{
    /// <summary>Explains items for a history.</summary>
    /// <param name="recommender">The recommender.</param>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="items">Items of the present catalogue; others get <see langword="null"/>.</param>
    public static AnswerReason?[] Explain(GenerativeRecommender recommender, IReadOnlyList<string> history, IReadOnlyList<string> items)
    {
        var (model, settings) = (recommender.SemanticIdModel, recommender.Settings);
        var catalogue = model.Catalogue;
        string[] known = [.. items.Where(item => catalogue.Index.TryGetRow(item, out _)).Distinct(StringComparer.Ordinal)];
        if (known.Length == 0)
        {
            return new AnswerReason?[items.Count];
        }

        int[] prompt = model.EncodeHistory(history, out _);
        int[][] responses = [.. known.Select(item => model.Template.EncodeResponse(catalogue.Index[item]))];
        var mixtures = new List<(string Name, float[] Probabilities, double Weight)>();
        foreach (var share in settings.Shares)
        {
            var mixture = new PriorMixture(catalogue.Trie);
            PriorFolder.Add(share, catalogue, [new RecommendationRequest { History = history }], [mixture]);
            var (probabilities, weight) = mixture.Parts[0];
            mixtures.Add((share.Scorer.GetType().Name, probabilities, weight));
        }

        double[][] logProbabilities = LogProbabilities(recommender, settings, prompt, responses, mixtures);
        double rest = 1 - mixtures.Sum(mixture => mixture.Weight);
        double[] sums = [.. mixtures.Select(mixture => mixture.Probabilities.Sum(value => (double)value))];
        var reasons = new Dictionary<string, AnswerReason>(StringComparer.Ordinal);
        for (int i = 0; i < known.Length; i++)
        {
            catalogue.Index.TryGetRow(known[i], out int row);
            reasons[known[i]] = new AnswerReason(logProbabilities[i],
            [
                new AnswerSource("codes", rest, Math.Exp(logProbabilities[i].Sum())),
                .. mixtures.Select((mixture, m) =>
                    new AnswerSource(mixture.Name, mixture.Weight, sums[m] > 0 ? mixture.Probabilities[row] / sums[m] : 0)),
            ]);
        }

        return [.. items.Select(item => reasons.GetValueOrDefault(item))];
    }

    private static double[][] LogProbabilities(GenerativeRecommender recommender, ServingSettings settings, int[] prompt,
        int[][] responses, List<(string Name, float[] Probabilities, double Weight)> mixtures)
    {
        var backbone = recommender.Model;
        using var inside = recommender.EnterDirect();
        using var reading = backbone.Lease.Serve();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var tree = TokenTree.Branches(prompt, [.. responses.Select(response => response[..^1])], out int[][] nodes);
        using var batch = TokenBatch.Of([tree], backbone.Device);
        var hidden = backbone.Forward(batch);                                                // [N, D]
        if (settings.Options.DenseWeight > 0 && backbone.Content is { HasHead: true } head)
        {
            float[] dense = DenseMasses.Of(head, hidden.narrow(0, prompt.Length - 1, 1), [prompt], recommender.Index)[0];
            mixtures.Insert(0, ("dense", dense, settings.Options.DenseWeight));
        }

        long[] places = [.. responses.SelectMany((response, i) => response.Select((_, t) => t == 0 ? prompt.Length - 1L
            : nodes[i][t - 1]))];
        long[] targets = [.. responses.SelectMany(response => response.Select(token => (long)token))];
        float[] values = backbone.LogProbabilities(hidden.index_select(0, tensor(places, device: backbone.Device)),
            tensor(targets, device: backbone.Device)).cpu().data<float>().ToArray();
        double[][] result = new double[responses.Length][];
        for (int i = 0, start = 0; i < result.Length; start += responses[i++].Length)
        {
            result[i] = Array.ConvertAll(values[start..(start + responses[i].Length)], value => (double)value);
        }

        return result;
    }
}

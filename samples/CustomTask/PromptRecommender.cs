using MiniOneRec;
using MiniOneRec.Modeling;

namespace CustomTask;

/// <summary>Serves prompts of any shape: the decoder and the catalogue's tree, searched with beams.</summary>
internal sealed class PromptRecommender(
    string name, CausalLanguageModel model, IPromptTemplate template, SemanticIdIndex index, Func<IReadOnlyList<string>, int[]> prompt)
    : IRecommender, IDisposable
{
    private readonly ConstrainedBeamSearch _search = new(new BeamSearchOptions { Width = 20 });
    private readonly SemanticIdTrie _trie = new(index);

    public string Name => name;

    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        var found = _search.Search(
            model, [.. requests.Select(request => new BeamQuery(prompt(request.History)))], _trie, template, cancellationToken);
        return Task.FromResult<IReadOnlyList<RecommendationResult>>([.. requests.Zip(found, (request, beams) => new RecommendationResult(
            [.. beams.SelectMany(ItemsOf).Where(item => request.Allows(item.ItemId)).Take(request.Count)]))]);
    }

    private IEnumerable<Recommendation> ItemsOf(Beam beam) => _trie.ItemsAt(beam.Node).ToArray()
        .Select(row => new Recommendation(index.Items[row], beam.Score, _trie.PathTo(beam.Node)));

    public void Dispose() => _trie.Dispose();
}

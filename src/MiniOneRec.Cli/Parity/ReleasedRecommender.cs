using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Parity;

/// <summary>Answers as the reference system evaluates: all beams of a search, as the texts of semantic IDs.</summary>
/// <remarks>Scores count the codes, the newline and the end token over the whole vocabulary, without length penalty.</remarks>
/// <param name="checkpoint">The model; stays the caller's.</param>
/// <param name="index">The semantic IDs.</param>
/// <param name="width">The beams.</param>
internal sealed class ReleasedRecommender(ReleasedCheckpoint checkpoint, SemanticIdIndex index, int width) : IRecommender, IDisposable
{
    private readonly SemanticIdTrie _trie = new(index);
    private readonly ConstrainedBeamSearch _search = new(new BeamSearchOptions { Width = width, Scoring = BeamScoring.Exact });
    private readonly List<SemanticId[]> _answers = [];

    public string Name => "checkpoint";

    /// <summary>Gets what was answered so far, best first, in the order of the requests.</summary>
    public IReadOnlyList<SemanticId[]> Answers => _answers;

    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        var results = new List<RecommendationResult>();
        int[] skipped = new int[requests.Count];
        BeamQuery[] queries = [.. requests.Select((request, i) => new BeamQuery(Prompt(request.History, out skipped[i])))];
        foreach (var beams in _search.Search(checkpoint.Model, queries, _trie, checkpoint.Template, cancellationToken))
        {
            SemanticId[] ids = [.. beams.Select(beam => _trie.PathTo(beam.Node))];
            _answers.Add(ids);
            results.Add(new RecommendationResult([.. ids.Zip(beams, (id, beam) => new Recommendation(id.ToString(), beam.Score))])
            {
                SkippedHistoryItems = skipped[results.Count],
            });
        }

        return Task.FromResult<IReadOnlyList<RecommendationResult>>(results);
    }

    /// <summary>Gets the tokens of a history's prompt.</summary>
    /// <param name="history">Item ids, oldest first; all of them are written.</param>
    /// <param name="skipped">How many the index does not know.</param>
    public int[] Prompt(IReadOnlyList<string> history, out int skipped) =>
        checkpoint.Template.EncodePrompt(checkpoint.Template.NextItem(index.KnownIds(history, int.MaxValue, out skipped)));

    public void Dispose() => _trie.Dispose();
}
